//! What can happen to a job, and the random choice of it.

/// Something that can happen to a job. A run is named by the number of claims since its own.
#[derive(Clone, Copy, Debug)]
pub enum Action {
    Submit,
    Cancel,
    CancelByStranger,
    Claim,
    /// A run writes this many log lines.
    Log(usize, u64),
    /// A run reports this progress.
    Heartbeat(usize, u8),
    Complete(usize),
    Fail(usize),
    Retry(usize),
    Defer(usize),
    /// The clock advances by this many seconds.
    Wait(i64),
    Sweep,
    DeadLetter,
}

/// Pseudorandom numbers that are the same for the same seed (Marsaglia's xorshift64).
pub struct Random(pub u64);

impl Random {
    pub fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % end
    }

    pub fn action(&mut self) -> Action {
        // The newest run acts most of the time, an earlier one now and then.
        let run = usize::try_from(self.below(4).saturating_sub(1)).unwrap();
        match self.below(20) {
            0 => Action::Submit,
            1 => Action::Cancel,
            2 => Action::CancelByStranger,
            3..=6 => Action::Claim,
            7 | 8 => Action::Log(run, 1 + self.below(40)),
            9 | 10 => Action::Heartbeat(run, u8::try_from(self.below(100)).unwrap()),
            11 => Action::Complete(run),
            12 => Action::Fail(run),
            13 => Action::Retry(run),
            14 => Action::Defer(run),
            15 | 16 => Action::Wait(i64::try_from(1 + self.below(200)).unwrap()),
            17 | 18 => Action::Sweep,
            _ => Action::DeadLetter,
        }
    }
}
