from statechart.testing.cells import (
    Cell as Cell,
    matrix as matrix,
)
from statechart.testing.covering import (
    Path as Path,
    Uncoverable as Uncoverable,
    paths as paths,
)
from statechart.testing.driver import (
    Driver as Driver,
)
from statechart.testing.machine import (
    ChartMachine as ChartMachine,
    state_machine as state_machine,
)
