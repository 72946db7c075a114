//! A connection whose other end takes nothing of an answer for so long is over, and so is one that takes it whole but too
//! slowly: it would be held for as long as whoever opened it likes.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

/// How long whoever reads may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    /// With nothing at all.
    pub(super) stall: Duration,
    /// With everything that is written until it is flushed, which is one answer.
    pub(super) answer: Duration,
}

/// A stream whose writes fail once that is over.
pub(super) struct Bounded<S> {
    stream: S,
    patience: Patience,
    /// Runs while a write waits.
    stalled: Option<Pin<Box<Sleep>>>,
    /// Runs from the first write of an answer that had to wait.
    late: Option<Pin<Box<Sleep>>>,
}

impl<S> Bounded<S> {
    pub(super) fn new(stream: S, patience: Patience) -> Self {
        Self { stream, patience, stalled: None, late: None }
    }

    fn bounded(
        &mut self,
        context: &mut Context<'_>,
        written: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        let over = || Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        if written.is_ready() {
            self.stalled = None;
        } else {
            let Patience { stall, answer } = self.patience;
            self.late.get_or_insert_with(|| Box::pin(sleep(answer)));
            let stalled = self.stalled.get_or_insert_with(|| Box::pin(sleep(stall)));
            if stalled.as_mut().poll(context).is_ready() {
                return over();
            }
        }
        let is_late = self.late.as_mut().is_some_and(|late| late.as_mut().poll(context).is_ready());
        if is_late { over() } else { written }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Bounded<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Bounded<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.bounded(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, parts);
        self.bounded(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    // A socket has nothing of its own to flush: whoever wrote an answer is through with it, and the next one has its own time.
    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.late = None;
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};

    const LONG: Duration = Duration::from_mins(10);

    fn patience(stall: Duration, answer: Duration) -> Patience {
        Patience { stall, answer }
    }

    #[tokio::test]
    async fn whoever_reads_gets_all_and_whoever_does_not_is_given_up() {
        let (near, mut far) = duplex(8);
        let mut near = Bounded::new(near, patience(Duration::from_millis(50), LONG));
        let given_up = near.write_all(&[1; 100]).await.unwrap_err();
        assert_eq!(given_up.kind(), io::ErrorKind::TimedOut);

        let mut rest = [0; 8];
        far.read_exact(&mut rest).await.unwrap();
        let mut near = Bounded::new(near.stream, patience(LONG, LONG));
        let (mut all, sent) = (Vec::new(), [2; 100]);
        let write = async {
            near.write_all(&sent).await.unwrap();
            near.shutdown().await.unwrap();
        };
        tokio::join!(write, async { far.read_to_end(&mut all).await.unwrap() });
        assert_eq!(all, sent);
    }

    #[tokio::test]
    async fn whoever_reads_steadily_and_too_slowly_is_given_up_and_the_next_answer_has_its_own_time() {
        let (near, mut far) = duplex(1);
        let answer = Duration::from_secs(1);
        let mut near = Bounded::new(near, patience(LONG, answer));
        let reading = tokio::spawn(async move {
            let mut all = Vec::new();
            let mut one = [0];
            while far.read_exact(&mut one).await.is_ok() {
                all.extend(one);
                sleep(Duration::from_millis(5)).await;
            }
            all
        });
        // Together they take longer than one may.
        for _ in 0..25 {
            near.write_all(&[3; 10]).await.unwrap();
            near.flush().await.unwrap();
        }
        let given_up = near.write_all(&vec![4; 100_000]).await.unwrap_err();
        assert_eq!(given_up.kind(), io::ErrorKind::TimedOut);
        drop(near);
        let all = reading.await.unwrap();
        assert!(all.starts_with(&[3; 250]) && (251..10_000).contains(&all.len()), "{}", all.len());
    }
}
