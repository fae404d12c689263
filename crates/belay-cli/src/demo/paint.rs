//! Colours, or none.

/// Paints text for a terminal; without colours it gives the text as it is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Paint {
    coloured: bool,
}

impl Paint {
    /// With colours or without.
    pub(crate) fn new(coloured: bool) -> Paint {
        Paint { coloured }
    }

    /// Something that went well.
    pub(crate) fn good(self, text: &str) -> String {
        self.code("32", text)
    }

    /// Something on its way, or to be looked at.
    pub(crate) fn waiting(self, text: &str) -> String {
        self.code("33", text)
    }

    /// Something that does not work.
    pub(crate) fn bad(self, text: &str) -> String {
        self.code("31", text)
    }

    /// A heading.
    pub(crate) fn strong(self, text: &str) -> String {
        self.code("1", text)
    }

    /// What is less important.
    pub(crate) fn faint(self, text: &str) -> String {
        self.code("2", text)
    }

    fn code(self, code: &str, text: &str) -> String {
        if self.coloured { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }
}
