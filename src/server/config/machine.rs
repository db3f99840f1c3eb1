//! What the machine has to give: its memory, or the container's. It changes nothing.

use std::fs;

/// The bytes of memory that this process may use: the smallest of the machine's memory and the limits of
/// its control group. `None` where the system does not say.
pub fn memory_bytes() -> Option<u64> {
    let machine = fs::read_to_string("/proc/meminfo").ok().as_deref().and_then(total_of_meminfo);
    let groups = ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"]
        .into_iter()
        .filter_map(|path| fs::read_to_string(path).ok()?.trim().parse().ok());
    machine.into_iter().chain(groups).min()
}

/// The `MemTotal` line, which counts in units of 1024 bytes whatever it calls them.
fn total_of_meminfo(text: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn meminfo_counts_in_kibibytes() {
        let text = "MemTotal:       2048 kB\nMemFree:        1024 kB\n";
        assert_eq!(total_of_meminfo(text), Some(2 << 20));
        assert_eq!(total_of_meminfo("MemFree: 1 kB\n"), None);
    }
}
