//! Standard error behind a thread: who reads it slowly, or not at all, holds up nobody but that thread.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::Duration;

use tracing_subscriber::fmt::MakeWriter;

/// Lines that wait to be written; more are dropped.
const MOST_WAITING: usize = 8192;
/// How long the last lines may take.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// The way to the thread. A copy is another handle on the same one.
#[derive(Clone)]
pub(crate) struct Sink {
    lines: SyncSender<Vec<u8>>,
    dropped: Arc<AtomicU64>,
}

/// What ends when everything is written.
pub(crate) struct Written(Receiver<()>);

impl Sink {
    /// Starts a thread that writes to standard error.
    pub(crate) fn to_standard_error() -> io::Result<(Sink, Written)> {
        Sink::to(io::stderr())
    }

    fn to(writer: impl Write + Send + 'static) -> io::Result<(Sink, Written)> {
        let (lines, waiting) = sync_channel(MOST_WAITING);
        let (written, end) = sync_channel(1);
        let dropped = Arc::<AtomicU64>::default();
        let counted = dropped.clone();
        std::thread::Builder::new().name("log".to_owned()).spawn(move || {
            write(writer, &waiting, &counted);
            let _ = written.send(());
        })?;
        Ok((Sink { lines, dropped }, Written(end)))
    }

    /// Asks for everything to be written; an empty line is nobody's.
    fn end(&self) {
        let _ = self.lines.try_send(Vec::new());
    }
}

impl Written {
    /// Waits for the last lines, though not for ever.
    pub(crate) fn wait(self, sink: &Sink) {
        sink.end();
        match self.0.recv_timeout(LAST_WORDS) {
            Ok(()) | Err(RecvTimeoutError::Disconnected | RecvTimeoutError::Timeout) => {}
        }
    }
}

/// Writes lines until an empty one comes; says how many are missing as soon as that can be said.
fn write(mut writer: impl Write, lines: &Receiver<Vec<u8>>, dropped: &AtomicU64) {
    for line in lines {
        if line.is_empty() {
            return;
        }
        // Who closed standard error does not want to be told.
        let _ = writer.write_all(&line);
        let missing = dropped.swap(0, Ordering::Relaxed);
        if missing > 0 {
            let _ = writeln!(writer, "{missing} lines of the log were dropped: they were not read in time");
        }
    }
}

impl<'a> MakeWriter<'a> for Sink {
    type Writer = Sink;

    fn make_writer(&'a self) -> Sink {
        self.clone()
    }
}

impl Write for Sink {
    /// Takes a line, which the formatter gives in one piece.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if !line.is_empty() && self.lines.try_send(line.to_vec()).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Condvar, Mutex};

    /// A reader that stops reading until it is let go.
    #[derive(Clone, Default)]
    struct Blocked(Arc<(Mutex<Reader>, Condvar)>);

    #[derive(Default)]
    struct Reader {
        is_free: bool,
        read: Vec<u8>,
    }

    impl Write for Blocked {
        fn write(&mut self, line: &[u8]) -> io::Result<usize> {
            let (state, changed) = &*self.0;
            let mut state = changed.wait_while(state.lock().unwrap(), |state| !state.is_free).unwrap();
            state.read.extend_from_slice(line);
            Ok(line.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn who_logs_does_not_wait_for_who_reads() {
        let blocked = Blocked::default();
        let (mut sink, written) = Sink::to(blocked.clone()).unwrap();
        for _ in 0..MOST_WAITING + 100 {
            sink.write_all(b"line\n").unwrap();
        }
        let (state, changed) = &*blocked.0;
        state.lock().unwrap().is_free = true;
        changed.notify_all();
        while sink.dropped.load(Ordering::Relaxed) > 0 {
            std::thread::yield_now();
        }
        std::thread::sleep(Duration::from_millis(50));
        written.wait(&sink);
        let text = String::from_utf8(state.lock().unwrap().read.clone()).unwrap();
        assert!(text.contains("lines of the log were dropped"), "{}", &text[..200]);
        let lines = text.lines().filter(|line| *line == "line").count();
        assert!((MOST_WAITING..=MOST_WAITING + 2).contains(&lines), "{lines}");
    }
}
