;; The programs of all guests. An instance of this module runs one of them for one principal, step by step:
;; a step takes the host's clock in milliseconds, and returns a frame and how many milliseconds the guest
;; rests after it. A negative frame is the end of the run.
(module
  (memory 1)
  (global $count (mut i64) (i64.const 0))
  (global $kept (mut i64) (i64.const 0))

  ;; The well-behaved one: a reading, a nap, for ever.
  (func (export "steady") (param $now i64) (result i64 i32)
    (global.set $count (i64.add (global.get $count) (i64.const 1)))
    (global.get $count)
    (i32.const 40))

  ;; Seventy frames as fast as the host takes them, then a rest until the clock stands at a whole multiple of
  ;; four seconds. Three instances of it run, all by that one clock, as timed jobs do.
  (func (export "burst") (param $now i64) (result i64 i32)
    (global.set $count
      (i64.rem_u (i64.add (global.get $count) (i64.const 1)) (i64.const 70)))
    (global.get $count)
    (select
      (i32.const 0)
      (i32.sub (i32.const 4000) (i32.wrap_i64 (i64.rem_u (local.get $now) (i64.const 4000))))
      (i32.wrap_i64 (global.get $count))))

  ;; The memory hog: one MiB more every 60 ms, each page of it touched, until the host refuses. Then it looks
  ;; for memory to give back, so long that it is missed.
  (func (export "hog") (param $now i64) (result i64 i32)
    (local $from i32)
    (local $to i32)
    (if (i64.eqz (global.get $count))
      (then
        ;; The first page is there.
        (local.set $from
          (memory.grow (select (i32.const 15) (i32.const 16) (i32.eq (memory.size) (i32.const 1)))))
        (if (i32.ne (local.get $from) (i32.const -1))
          (then
            (local.set $to (i32.shl (memory.size) (i32.const 16)))
            (local.set $from (i32.shl (local.get $from) (i32.const 16)))
            (loop $page
              (i32.store8 (local.get $from) (i32.const 1))
              (local.set $from (i32.add (local.get $from) (i32.const 4096)))
              (br_if $page (i32.lt_u (local.get $from) (local.get $to))))
            (return (i64.const 0) (i32.const 60))))))
    (global.set $count (i64.add (global.get $count) (i64.const 1)))
    (if (i64.eq (global.get $count) (i64.const 1))
      (then (return (i64.const 1) (i32.const 900))))
    (if (i64.eq (global.get $count) (i64.const 2))
      (then (return (i64.const 2) (i32.const 200))))
    (i64.const -1)
    (i32.const 0))

  ;; The endless loop: three frames of good manners, then a step that never ends by itself.
  (func (export "spin") (param $now i64) (result i64 i32)
    (global.set $count (i64.add (global.get $count) (i64.const 1)))
    (loop $forever
      (br_if $forever (i64.gt_u (global.get $count) (i64.const 3))))
    (global.get $count)
    (i32.const 120))

  ;; The sink: takes a frame, and returns how long it rests before the next one.
  (func (export "sink") (param $frame i64) (result i32)
    (global.set $kept (call $hash (local.get $frame)))
    (i32.const 8))

  ;; What an ordinary tenant calls. Says what a caller before has left here, which has to be nothing, and the
  ;; request's hash. The request itself stays behind.
  (func (export "answer") (param $request i64) (result i64 i64)
    (local $found i64)
    (local.set $found (i64.or (global.get $kept) (i64.load (i32.const 1024))))
    (global.set $kept (local.get $request))
    (local.get $found)
    (call $hash (local.get $request)))

  ;; Takes page after page and writes to each, until it is refused one. Returns how many it has.
  (func (export "hoard") (result i32)
    (local $page i32)
    (block $refused
      (loop $again
        (local.set $page (memory.grow (i32.const 1)))
        (br_if $refused (i32.eq (local.get $page) (i32.const -1)))
        (i64.store (i32.shl (local.get $page) (i32.const 16)) (i64.const -1))
        (br $again)))
    (memory.size))

  (func (export "loop")
    (loop $forever
      (br $forever)))

  ;; FNV-1a of eight bytes, which stay in the memory.
  (func $hash (param $value i64) (result i64)
    (local $hash i64)
    (local $at i32)
    (i64.store (i32.const 1024) (local.get $value))
    (local.set $hash (i64.const 0xcbf29ce484222325))
    (local.set $at (i32.const 1024))
    (loop $byte
      (local.set $hash
        (i64.mul
          (i64.xor (local.get $hash) (i64.load8_u (local.get $at)))
          (i64.const 0x100000001b3)))
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (br_if $byte (i32.lt_u (local.get $at) (i32.const 1032))))
    (local.get $hash)))
