//! The built program, as tests of the command line start it.
use std::path::Path;
use std::process::Command;

/// The program in a folder of its own that is its home too, without a display.
pub(crate) fn program(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_portsight"));
    command
        .current_dir(folder)
        .env_remove("DISPLAY")
        .env_remove("WAYLAND_DISPLAY")
        .env("XDG_DATA_HOME", folder.join("data"))
        .env("HOME", folder);
    command
}
