//! What the view shows, and how it is drawn.

mod app;
mod bar;
mod draw;
#[cfg(feature = "fleet")]
mod fleet;
mod history;
mod limits;
mod lines;
mod notice;
mod text;

pub use app::{Action, App, Key, Sort};
#[cfg(feature = "fleet")]
pub use fleet::FleetApp;
pub use notice::Notice;
