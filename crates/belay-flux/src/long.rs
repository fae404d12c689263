//! Looks that last are told of while they do.

use std::pin::pin;
use std::time::Duration;

/// A pass that takes longer says that it is under way before it says how it ended.
pub(crate) const LONG: Duration = Duration::from_secs(1);

/// Makes a look. When it lasts, `tell` is given what it is at, as soon as that is known.
pub(crate) async fn with_progress<T, Doing>(
    look: impl Future<Output = T>,
    doing: impl Future<Output = Doing>,
    tell: impl AsyncFnOnce(Doing),
) -> T {
    let mut look = pin!(look);
    let lasts = async {
        tokio::time::sleep(LONG).await;
        doing.await
    };
    let doing = tokio::select! {
        biased;
        result = &mut look => return result,
        doing = lasts => doing,
    };
    // How it ended is told when this has been written: a late request must not have the last word.
    let (result, ()) = tokio::join!(look, tell(doing));
    result
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;
    use std::future::{pending, ready};

    #[tokio::test(start_paused = true)]
    async fn only_a_long_look_is_told_of_and_its_end_comes_last() {
        let told = RefCell::new(Vec::new());
        let look = async |took: u64| {
            tokio::time::sleep(Duration::from_millis(took)).await;
            took
        };
        let tell = async |doing: &'static str| {
            tokio::time::sleep(Duration::from_secs(5)).await;
            told.borrow_mut().push(doing);
        };
        assert_eq!(with_progress(look(999), ready("short"), tell).await, 999);
        assert_eq!(with_progress(look(3000), pending(), tell).await, 3000);
        assert!(told.borrow().is_empty());
        assert_eq!(with_progress(look(1001), ready("long"), tell).await, 1001);
        assert_eq!(*told.borrow(), ["long"]);
    }
}
