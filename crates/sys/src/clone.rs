//! clone3 for a child that shares our memory until it has become another program.
//!
//! A copy of our memory costs the kernel a walk through all of it, and us a fault for each page that
//! we touch afterwards, for a child that throws it away at once. With `CLONE_VM | CLONE_VFORK` there
//! is no copy: the child runs in our memory, on a stack of its own, while we stand still until it has
//! executed its program or is gone. That is what posix_spawn does; it cannot put the child into a
//! cgroup (glibc can from 2.38 on).
//!
//! The C library has no wrapper for clone3, and none could return in the child on another stack, so
//! the call itself is written out, for each kind of processor.

use std::io;

use libc::clone_args;

use crate::child::{self, Prepared};

/// More than the child's few calls need; the kernel would have the rest of its own.
const STACK: usize = 64 << 10;

/// Makes the child, which runs [`child::run`], and returns its number once that has executed its
/// program or has failed. `args` says the rest; memory, stack and waiting are seen to here.
pub(crate) fn clone3(mut args: clone_args, prepared: &Prepared<'_>) -> io::Result<i64> {
    // Of 16 bytes each, which is how both kinds of processor want a stack to be aligned.
    let mut stack = vec![0_u128; STACK / size_of::<u128>()];
    // The descriptors are shared until the child's first call: see `slots`.
    let shared = libc::CLONE_VM | libc::CLONE_VFORK | libc::CLONE_FILES;
    args.flags |= u64::from(shared.cast_unsigned());
    args.stack = stack.as_mut_ptr().expose_provenance() as u64;
    args.stack_size = STACK as u64;
    // SAFETY: the stack is ours alone, is as long as we say, and lives until after the call, from
    // which we return only when the child uses it no more (CLONE_VFORK). `prepared` is borrowed for as
    // long. The child runs nothing but `child::run`, which neither allocates nor locks nor panics nor
    // returns, and writes to none of our memory but its stack, this thread's errno, which nobody reads,
    // and the bytes of `OwnPid`, which nobody has but this thread. All signals are blocked by the
    // caller, so no handler of ours runs on that stack.
    let returned = unsafe { call(&args, prepared) };
    drop(stack);
    if returned < 0 {
        let errno = i32::try_from(-returned).unwrap_or(libc::EINVAL);
        return Err(io::Error::from_raw_os_error(errno));
    }
    Ok(returned)
}

/// Where the child begins.
extern "C" fn begin(prepared: &Prepared<'_>) -> ! {
    child::run(prepared)
}

/// The system call, and in the child, which finds itself on its stack with zero in the register of the
/// result, the jump to [`begin`].
///
/// # Safety
/// `args` names a stack for the child that stays until it has executed a program, and says
/// `CLONE_VFORK`.
#[cfg(target_arch = "x86_64")]
unsafe fn call(args: &clone_args, prepared: &Prepared<'_>) -> i64 {
    let returned: i64;
    // SAFETY: the kernel changes rax, rcx and r11 and nothing else of ours; the child never gets past
    // the jump, and the stack that it is on begins aligned, as a call wants it.
    unsafe {
        std::arch::asm!(
            "syscall",
            "test rax, rax",
            "jnz 2f",
            "xor ebp, ebp",
            "mov rdi, r12",
            "call r13",
            "ud2",
            "2:",
            inlateout("rax") libc::SYS_clone3 => returned,
            in("rdi") args,
            in("rsi") size_of::<clone_args>(),
            in("r12") prepared,
            in("r13") begin as extern "C" fn(&Prepared<'_>) -> !,
            lateout("rcx") _,
            lateout("r11") _,
        );
    }
    returned
}

/// As above.
///
/// # Safety
/// As above.
#[cfg(target_arch = "aarch64")]
unsafe fn call(args: &clone_args, prepared: &Prepared<'_>) -> i64 {
    let returned: i64;
    // SAFETY: the kernel changes x0 and nothing else of ours; the child never gets past the jump, and
    // the stack that it is on begins aligned, as a call wants it.
    unsafe {
        std::arch::asm!(
            "svc #0",
            "cbnz x0, 2f",
            "mov x29, xzr",
            "mov x0, x20",
            "blr x21",
            "brk #1",
            "2:",
            inlateout("x0") args => returned,
            in("x1") size_of::<clone_args>(),
            in("x8") libc::SYS_clone3,
            in("x20") prepared,
            in("x21") begin as extern "C" fn(&Prepared<'_>) -> !,
        );
    }
    returned
}
