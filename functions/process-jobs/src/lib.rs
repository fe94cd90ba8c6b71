//! Works off the jobs queue.
