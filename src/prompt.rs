//! A thread that is to run as soon as it is woken, whatever keeps the processors busy.

/// Asks the system for short turns of the calling thread.
///
/// Linux (6.12 and later) lets a thread that wakes take the place of one whose turns are longer, and else wait for
/// the end of that turn, which is some milliseconds. It gets no more of the processors for that, and nobody else
/// less. Where the system does not know it, or does not let us, the thread waits as others do.
pub(crate) fn take_short_turns() {
    #[cfg(target_os = "linux")]
    linux::take_short_turns();
}

#[cfg(target_os = "linux")]
mod linux {
    /// The shortest turn that Linux gives, in nanoseconds.
    const TURN: u64 = 100_000;

    #[expect(unsafe_code, reason = "a call of the system that no crate has")]
    pub(super) fn take_short_turns() {
        let size = u32::try_from(size_of::<libc::sched_attr>()).expect("it is 48 bytes");
        let mut wanted = libc::sched_attr {
            size,
            sched_policy: 0,
            sched_flags: 0,
            sched_nice: 0,
            sched_priority: 0,
            sched_runtime: 0,
            sched_deadline: 0,
            sched_period: 0,
        };
        // What is not asked for, such as how nice it is, is to stay as it is.
        // SAFETY: 0 is the calling thread, and the system writes at most `size` bytes.
        let is_known =
            unsafe { libc::syscall(libc::SYS_sched_getattr, 0, &raw mut wanted, size, 0) == 0 };
        if is_known && wanted.sched_policy == libc::SCHED_OTHER as u32 {
            wanted.sched_runtime = TURN;
            wanted.sched_flags = 0;
            // SAFETY: the system reads the attributes, which are whole. If it fails, it is slower, and no more.
            unsafe { libc::syscall(libc::SYS_sched_setattr, 0, &raw const wanted, 0) };
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        #[expect(unsafe_code, reason = "nobody else tells it")]
        fn turns_are_short_and_nothing_else_is_changed() {
            let get = || {
                let mut told = [0_u64; 6];
                // SAFETY: there is room for the 48 bytes that are asked for.
                let got =
                    unsafe { libc::syscall(libc::SYS_sched_getattr, 0, told.as_mut_ptr(), 48, 0) };
                assert_eq!(got, 0);
                told
            };
            // In a thread of its own, so that no other test has them.
            let thread = std::thread::spawn(move || {
                let before = get();
                take_short_turns();
                (before, get())
            });
            let (before, after) = thread.join().unwrap();
            // The turn stands at 24 bytes. Older systems do not know it.
            const AT: usize = 3;
            assert!(after[AT] == TURN || after[AT] == before[AT]);
            for at in (0..6).filter(|at| *at != AT) {
                assert_eq!(after[at], before[at], "{at}");
            }
        }
    }
}
