from environments.presentation.answers.archive import (
    Archive as Archive,
)
from environments.presentation.answers.chart import (
    chart_document as chart_document,
    chart_marks as chart_marks,
)
from environments.presentation.answers.drift import (
    drift_document as drift_document,
)
from environments.presentation.answers.history import (
    past as past,
    past_document as past_document,
    readable_history as readable_history,
)
from environments.presentation.answers.logs import (
    Log as Log,
    log_document as log_document,
    read_log as read_log,
    trace_document as trace_document,
)
from environments.presentation.answers.now import (
    look_closely as look_closely,
    story as story,
    why_document as why_document,
)
