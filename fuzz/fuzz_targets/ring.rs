//! Glue: see `plimsoll_fuzz::ring`.
#![cfg_attr(fuzzing, no_main)]

plimsoll_fuzz::target!(ring);
