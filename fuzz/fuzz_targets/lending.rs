//! Glue: see `plimsoll_fuzz::lending`.
#![cfg_attr(fuzzing, no_main)]

plimsoll_fuzz::target!(lending);
