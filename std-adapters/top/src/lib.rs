//! A terminal view of what [`plimsoll`] sees: limits with their watermarks, pools, top users,
//! silent guests and events, drawn by [`ratatui`].
//!
//! - [`view::App`] is what the view shows: snapshots and events go in, and so do keys. It knows
//!   neither a clock nor a terminal.
//! - [`view::App::draw`] draws it into a frame of any size. At 80 columns by 24 rows everything has
//!   its place. Nothing is said by colour alone.
//! - `terminal::Screen`, of the feature `terminal`, takes the terminal of the process over, and
//!   gives it back however the program ends.
//!
//! ```
//! use std::time::Duration;
//!
//! use plimsoll::{Registry, Watermarks};
//! use plimsoll_top::view::App;
//! use ratatui::{Terminal, backend::TestBackend};
//!
//! let registry = Registry::new();
//! let frames = registry.gauge("stdout_frames", Watermarks::percent(10, 80, 50))?;
//! frames.add(9);
//!
//! let mut app = App::new("my host");
//! app.on_snapshot(Duration::from_secs(1), registry.snapshot());
//! let mut terminal = Terminal::new(TestBackend::new(80, 24))?;
//! terminal.draw(|frame| app.draw(frame))?;
//! let screen = terminal.backend().to_string();
//! assert!(screen.contains("stdout_frames") && screen.contains("elevated"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Features
//! `cli`, on by default, is the program `plimsoll`, which shows a running host by its status page. `terminal`
//! is `terminal::Screen`, with crossterm. Without both, there is the view alone.
#![forbid(unsafe_code)]

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct PackageReadme;

#[cfg(feature = "terminal")]
pub mod terminal;
pub mod view;
