//! What a program prints for the person who started it. Logs go through `tracing`.
//!
//! A reader who has seen enough closes the pipe (`platform --help | head`): that is no error, and the rest is not printed.

use std::io::{self, Write};

/// Prints a line.
pub fn print_line(line: &str) {
    print_text(line);
    print_text("\n");
}

/// Prints text without a line break.
pub fn print_text(text: &str) {
    let mut out = io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// Prints a line to standard error.
pub fn print_error(line: &str) {
    let mut err = io::stderr().lock();
    let _ = err
        .write_all(line.as_bytes())
        .and_then(|()| err.write_all(b"\n"));
}
