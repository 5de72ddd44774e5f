//! Glue: see `plimsoll_fuzz::sustain`.
#![cfg_attr(fuzzing, no_main)]

plimsoll_fuzz::target!(sustain);
