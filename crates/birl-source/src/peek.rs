//! The beginning of what comes through a pipe, without taking it out.

use std::io;

/// So much is looked at: no more is in a pipe of the usual size.
#[cfg(target_os = "linux")]
const BYTES_MAX: usize = 64 << 10;

/// What has come is taken for all that comes at once when nothing has followed for so long.
#[cfg(target_os = "linux")]
const PAUSE: std::time::Duration = std::time::Duration::from_millis(20);

/// Nobody waits longer for an answer than this, since the first bytes came.
#[cfg(target_os = "linux")]
const TOTAL: std::time::Duration = std::time::Duration::from_millis(200);

/// The first bytes that whoever reads standard input will read, at most 64 KiB, and whether there are no
/// others. `None` where it is no pipe. Nothing is seen where the system has no way to look (it must have `tee`).
///
/// It blocks until something comes, or nothing can any more; then for as long as more follows without
/// pauses, but not longer than a fifth of a second.
///
/// # Errors
///
/// As the system says.
pub fn stdin() -> io::Result<Option<(Vec<u8>, bool)>> {
    #[cfg(target_os = "linux")]
    return of_pipe(io::stdin());
    #[cfg(not(target_os = "linux"))]
    return Ok((!is_file()).then(|| (Vec::new(), false)));
}

/// Whether standard input is a file, which can be read again.
pub fn is_file() -> bool {
    use std::os::fd::AsFd;
    let copy = io::stdin().as_fd().try_clone_to_owned();
    let metadata = copy.and_then(|copy| std::fs::File::from(copy).metadata());
    metadata.is_ok_and(|metadata| metadata.is_file())
}

#[cfg(target_os = "linux")]
fn of_pipe(pipe: impl std::os::fd::AsFd) -> io::Result<Option<(Vec<u8>, bool)>> {
    use std::io::Read;
    use std::time::Instant;

    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    use rustix::fs::{FileType, fstat};
    use rustix::io::{Errno, ioctl_fionread};
    use rustix::pipe::{PipeFlags, SpliceFlags, pipe_with, tee};

    let pipe = pipe.as_fd();
    if FileType::from_raw_mode(fstat(pipe)?.st_mode) != FileType::Fifo {
        return Ok(None);
    }
    let wait = |pause: Option<&Timespec>| loop {
        let mut polled = [PollFd::new(&pipe, PollFlags::IN)];
        match poll(&mut polled, pause) {
            Err(Errno::INTR) => {}
            Err(error) => return Err(error),
            Ok(_) => return Ok(polled[0].revents()),
        }
    };
    let waiting =
        |pipe| ioctl_fionread(pipe).map(|bytes| usize::try_from(bytes).unwrap_or(usize::MAX));
    let mut state = wait(None)?;
    let mut bytes = waiting(pipe)?;
    let began = Instant::now();
    let mut changed = began;
    while began.elapsed() < TOTAL
        && bytes < BYTES_MAX
        && !state.contains(PollFlags::HUP)
        && changed.elapsed() < PAUSE
    {
        // Once something is there, polling does not wait for more.
        std::thread::sleep(PAUSE / 20);
        state = wait(Some(&Timespec::default()))?;
        let more = waiting(pipe)?;
        if more != bytes {
            changed = Instant::now();
        }
        bytes = more;
    }
    let (copied, copy) = pipe_with(PipeFlags::CLOEXEC)?;
    let looked_at = match tee(pipe, &copy, BYTES_MAX, SpliceFlags::NONBLOCK) {
        Ok(looked_at) => looked_at,
        // Nothing is in it, or another has taken it out.
        Err(Errno::AGAIN) => 0,
        Err(error) => return Err(error.into()),
    };
    drop(copy);
    let mut head = Vec::with_capacity(looked_at);
    std::fs::File::from(copied).read_to_end(&mut head)?;
    let is_all = state.contains(PollFlags::HUP) && waiting(pipe)? <= head.len();
    Ok(Some((head, is_all)))
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::io::{Read, Write, pipe};

    use super::*;

    #[test]
    fn what_is_looked_at_stays_there() {
        let (mut reader, mut writer) = pipe().unwrap();
        writer.write_all(b"one\ntwo\n").unwrap();
        assert_eq!(
            of_pipe(&reader).unwrap(),
            Some((b"one\ntwo\n".to_vec(), false))
        );
        writer.write_all(b"three\n").unwrap();
        drop(writer);
        let whole = b"one\ntwo\nthree\n".to_vec();
        assert_eq!(of_pipe(&reader).unwrap(), Some((whole.clone(), true)));
        let mut read = Vec::new();
        reader.read_to_end(&mut read).unwrap();
        assert_eq!(read, whole);
        assert_eq!(of_pipe(&reader).unwrap(), Some((Vec::new(), true)));
    }

    #[test]
    fn of_a_long_pipe_the_beginning_is_looked_at() {
        let (mut reader, mut writer) = pipe().unwrap();
        let text: Vec<u8> = (0..200_000_u32).map(|at| b'a' + (at % 23) as u8).collect();
        let written = text.clone();
        let writing = std::thread::spawn(move || writer.write_all(&written));
        let (head, is_all) = of_pipe(&reader).unwrap().unwrap();
        assert!(!head.is_empty() && !is_all, "{} bytes", head.len());
        assert_eq!(head, text[..head.len()]);
        let mut read = Vec::new();
        reader.read_to_end(&mut read).unwrap();
        writing.join().unwrap().unwrap();
        assert!(read == text);
    }

    #[test]
    fn only_pipes_are_looked_at() {
        let file = tempfile::tempfile().unwrap();
        assert_eq!(of_pipe(&file).unwrap(), None);
    }
}
