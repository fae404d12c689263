//! What Helm printed against what we print, object by object.

use serde_json::Value;

/// The result of one comparison.
#[derive(Debug, Default, Clone)]
pub(crate) struct Comparison {
    pub(crate) objects: usize,
    pub(crate) equal_objects: usize,
    /// Objects whose text is the same too.
    pub(crate) equal_texts: usize,
    pub(crate) bytes: usize,
    pub(crate) equal_bytes: usize,
    /// Lines that Helm itself prints differently each time.
    pub(crate) masked_lines: usize,
    /// The first difference, for a person.
    pub(crate) difference: Option<String>,
}

impl Comparison {
    pub(crate) fn add(&mut self, other: &Comparison) {
        self.objects += other.objects;
        self.equal_objects += other.equal_objects;
        self.equal_texts += other.equal_texts;
        self.bytes += other.bytes;
        self.equal_bytes += other.equal_bytes;
        self.masked_lines += other.masked_lines;
    }
}

/// Compares our output with two of Helm's for the same request.
pub(crate) fn compare(first: &str, second: &str, ours: &str) -> Comparison {
    let (first, second, ours) = (documents(first), documents(second), documents(ours));
    let mut comparison = Comparison::default();
    if first.len() != ours.len() {
        comparison.difference = Some(format!("{} documents instead of {}", ours.len(), first.len()));
    }
    let nothing = String::new();
    for (place, document) in first.iter().enumerate() {
        let again = second.get(place).unwrap_or(document);
        compare_document(document, again, ours.get(place).unwrap_or(&nothing), &mut comparison);
    }
    comparison
}

fn compare_document(document: &str, again: &str, ours: &str, comparison: &mut Comparison) {
    comparison.objects += 1;
    comparison.bytes += document.len();
    let ours = masked(document, again, ours, &mut comparison.masked_lines);
    if ours == document {
        comparison.equal_objects += 1;
        comparison.equal_texts += 1;
        comparison.equal_bytes += document.len();
        return;
    }
    comparison.equal_bytes += common_bytes(document, &ours);
    let mut what = "text";
    if same_objects(document, &ours) {
        comparison.equal_objects += 1;
    } else {
        what = "object";
    }
    if comparison.difference.is_none() || what == "object" {
        comparison.difference = Some(format!("{what}: {}", first_difference(document, &ours)));
    }
}

/// Our text, with Helm's lines where Helm does not print the same twice.
fn masked(document: &str, again: &str, ours: &str, count: &mut usize) -> String {
    if document == again || document == ours {
        return ours.to_owned();
    }
    let (lines, twice, mine): (Vec<&str>, Vec<&str>, Vec<&str>) =
        (document.split('\n').collect(), again.split('\n').collect(), ours.split('\n').collect());
    if lines.len() != twice.len() || lines.len() != mine.len() {
        // A certificate may need a line more or less: the document is masked as a whole.
        *count += lines.len();
        return if lines.len().abs_diff(mine.len()) < 8 { document.to_owned() } else { ours.to_owned() };
    }
    let mut text = Vec::with_capacity(lines.len());
    for (place, line) in lines.iter().enumerate() {
        let differs = *line != twice[place];
        *count += usize::from(differs);
        text.push(if differs { line } else { mine[place] });
    }
    text.join("\n")
}

/// The output cut where Helm begins a document.
fn documents(text: &str) -> Vec<String> {
    let mut documents: Vec<String> = Vec::new();
    let mut lines = text.split_inclusive('\n').peekable();
    while let Some(line) = lines.next() {
        let begins = line == "---\n" && lines.peek().is_some_and(|next| next.starts_with("# Source: "));
        if begins || documents.is_empty() {
            documents.push(String::new());
        }
        if let Some(document) = documents.last_mut() {
            document.push_str(line);
        }
    }
    documents
}

fn same_objects(one: &str, other: &str) -> bool {
    let objects = |text: &str| -> Option<Vec<Value>> {
        belay_goyaml::split_documents(text).iter().map(|(_, part)| belay_goyaml::to_json(part).ok()).collect()
    };
    match (objects(one), objects(other)) {
        (Some(one), Some(other)) => one == other,
        _ => false,
    }
}

fn common_bytes(one: &str, other: &str) -> usize {
    let equal = |(one, other): &(&str, &str)| one == other;
    let length =
        |lines: &mut dyn Iterator<Item = (&str, &str)>| -> usize { lines.map(|(line, _)| line.len()).sum() };
    let ahead = length(&mut one.split_inclusive('\n').zip(other.split_inclusive('\n')).take_while(equal));
    let behind = length(
        &mut one[ahead..]
            .split_inclusive('\n')
            .rev()
            .zip(other[ahead..].split_inclusive('\n').rev())
            .take_while(equal),
    );
    ahead + behind
}

/// The first line that differs, with its number and the document's source.
fn first_difference(one: &str, other: &str) -> String {
    let source = one.lines().find(|line| line.starts_with("# Source: ")).unwrap_or("(no source)");
    let (mut mine, mut line_number) = (other.split('\n'), 0);
    for line in one.split('\n') {
        line_number += 1;
        let ours = mine.next().unwrap_or("(nothing)");
        if line != ours {
            return format!("{source} line {line_number}\n      helm  {line:?}\n      belay {ours:?}");
        }
    }
    format!("{source}: more lines than Helm prints: {:?}", mine.next().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::compare;

    const CHART: &str = "---\n# Source: a/b.yaml\nx: 1\nsecret: abc\n";

    #[test]
    fn what_helm_prints_differently_is_masked() {
        let compared = compare(CHART, &CHART.replace("abc", "xyz"), &CHART.replace("abc", "123"));
        assert_eq!((compared.equal_objects, compared.masked_lines), (1, 1));
        assert_eq!(compared.bytes, compared.equal_bytes);
    }

    #[test]
    fn another_value_is_a_difference() {
        let compared = compare(CHART, CHART, &CHART.replace("x: 1", "x: 2"));
        assert_eq!((compared.objects, compared.equal_objects), (1, 0));
        assert!(compared.difference.is_some_and(|text| text.contains("line 3")));
        assert!(compared.equal_bytes < compared.bytes);
    }

    #[test]
    fn the_same_value_written_otherwise_is_half_a_difference() {
        let compared = compare(CHART, CHART, &CHART.replace("x: 1", "x:  1"));
        assert_eq!((compared.equal_objects, compared.equal_texts), (1, 0));
    }

    #[test]
    fn a_missing_document_is_a_difference() {
        let compared = compare(CHART, CHART, "");
        assert_eq!((compared.objects, compared.equal_objects), (1, 0));
    }
}
