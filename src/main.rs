//! The program: hands over to [`lakegate::cli`].

use std::process::ExitCode;

/// Threads of two runtimes allocate and free each other's batches, which the system's allocator does slowly.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    lakegate::cli::main()
}
