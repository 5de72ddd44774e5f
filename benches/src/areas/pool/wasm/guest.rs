//! What is called.

/// A guest by its memory and what a call touches of it.
#[derive(Clone, Copy)]
pub(super) struct Guest {
    pub(super) name: &'static str,
    pages: u32,
    touched_bytes: u32,
}

pub(super) const ONE_PAGE: Guest =
    Guest { name: "a one-page guest", pages: 1, touched_bytes: 4_096 };
pub(super) const SMALL: Guest =
    Guest { name: "a guest of 1 MiB, touching 256 KiB", pages: 16, touched_bytes: 256 << 10 };
pub(super) const LARGE: Guest =
    Guest { name: "a guest of 16 MiB, touching all", pages: 256, touched_bytes: 16 << 20 };

/// Bytes that an instance may have.
pub(super) const QUOTA: u64 = 32 << 20;

impl Guest {
    /// A module that stores its argument in each of the pages of 4 KiB that a call touches.
    pub(super) fn wat(self) -> String {
        let Self { pages, touched_bytes, .. } = self;
        format!(
            r#"(module
                (memory {pages})
                (func (export "run") (param $value i32) (result i32)
                    (local $at i32)
                    (loop $next
                        (i32.store (local.get $at) (local.get $value))
                        (local.set $at (i32.add (local.get $at) (i32.const 4096)))
                        (br_if $next (i32.lt_u (local.get $at) (i32.const {touched_bytes}))))
                    (i32.load (i32.const 0))))"#
        )
    }
}
