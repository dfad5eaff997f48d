//! Waiting for a child together with what it used; the standard library only tells how it ended.
#![expect(
    unsafe_code,
    reason = "wait4 is the only call that gives one child's peak memory"
)]

use std::io;
use std::mem::MaybeUninit;
use std::process::{Child, ExitStatus};

use std::os::unix::process::ExitStatusExt;

/// Waits until `child` has ended and gives its status, and the peak resident memory, in bytes, of
/// it or of the largest child that it waited for itself.
pub(crate) fn wait_measured(child: Child) -> io::Result<(ExitStatus, u64)> {
    let pid = child.id() as libc::pid_t;
    let mut status = 0;
    let mut usage = MaybeUninit::<libc::rusage>::zeroed();
    loop {
        // SAFETY: both pointers are to live locals of the types that wait4 writes. `child` is owned
        // and was never waited for, so the pid is still its own.
        let waited = unsafe { libc::wait4(pid, &mut status, 0, usage.as_mut_ptr()) };
        if waited == pid {
            break;
        }
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
    // SAFETY: zeroes are a valid rusage, and wait4 has filled it in since.
    let usage = unsafe { usage.assume_init() };
    let unit = if cfg!(target_os = "macos") { 1 } else { 1024 };
    Ok((ExitStatus::from_raw(status), usage.ru_maxrss as u64 * unit))
}
