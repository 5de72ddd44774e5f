;; The memory hog: one MiB more every 60 ms, each page of it touched, until the host refuses. Then it
;; looks for memory to give back, so long that it is missed.
(module
  (import "host" "emit" (func $emit (param i32 i32)))
  (import "host" "sleep_ms" (func $sleep_ms (param i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "one MiB more")
  (data (i32.const 16) "refused; looking for something to give back")
  (data (i32.const 64) "nothing found; living with what I have")

  ;; Writes one byte in every 4 KiB from `$from` to `$to`: memory that is only reserved is free.
  (func $touch (param $from i32) (param $to i32)
    (loop $page
      (i32.store8 (local.get $from) (i32.const 1))
      (local.set $from (i32.add (local.get $from) (i32.const 4096)))
      (br_if $page (i32.lt_u (local.get $from) (local.get $to)))))

  (func (export "run")
    (local $pages i32)
    (block $refused
      (loop $again
        (local.set $pages (memory.grow (i32.const 16)))
        (br_if $refused (i32.eq (local.get $pages) (i32.const -1)))
        (call $touch
          (i32.shl (local.get $pages) (i32.const 16))
          (i32.shl (i32.add (local.get $pages) (i32.const 16)) (i32.const 16)))
        (call $emit (i32.const 0) (i32.const 12))
        (call $sleep_ms (i32.const 60))
        (br $again)))
    (call $emit (i32.const 16) (i32.const 43))
    (call $sleep_ms (i32.const 900))
    (call $emit (i32.const 64) (i32.const 38))
    (call $sleep_ms (i32.const 200))))
