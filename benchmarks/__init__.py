"""How fast the portal is, as ratios to hand-written code within one run on one machine: `make bench`.

    __main__    the command line: which themes, how large, where the table goes
    figures     a ratio with its target; the table
    machine     what the table was measured on
    readme      the table's place in README.md
    ground      throw-away databases and the rows in them, made by set-based SQL
    crews       processes that do one thing over and over, in rounds that take turns
    handwritten what rows are compared with
    clicking    what the browser is compared with
    bare/       what HTTP is compared with

A theme is a module with `measure(ground, size) -> list[Figure]`; `__main__.THEMES` names it. Nothing here is imported by the product.
"""
