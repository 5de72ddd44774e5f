;; The burst producer: seventy frames as fast as the host takes them, then silence until the clock
;; stands at a whole multiple of four seconds. Three instances of it run, all by that one clock, as
;; timed jobs do.
(module
  (import "host" "emit" (func $emit (param i32 i32)))
  (import "host" "now_ms" (func $now_ms (result i32)))
  (import "host" "sleep_ms" (func $sleep_ms (param i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "a frame of a burst, one of very many that come at once")

  (func (export "run")
    (local $left i32)
    (loop $again
      (local.set $left (i32.const 70))
      (loop $frame
        (call $emit (i32.const 0) (i32.const 54))
        (local.set $left (i32.sub (local.get $left) (i32.const 1)))
        (br_if $frame (local.get $left)))
      (call $sleep_ms
        (i32.sub (i32.const 4000) (i32.rem_u (call $now_ms) (i32.const 4000))))
      (br $again))))
