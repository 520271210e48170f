"""Charts with their values, for tests of their dashboard."""

from __future__ import annotations

from pydantic import BaseModel, SecretStr, field_serializer

from statechart import Chart, ChartRepository, Event, State, effect


class Parcel(BaseModel):
    state: str = "packed"
    to: str = "Ann"
    track: str = ""
    pin: SecretStr = SecretStr("")
    tags: list[str] = []

    @field_serializer("pin")
    def _plainly(self, pin: SecretStr) -> str:
        return pin.get_secret_value()


class ParcelChart(Chart[Parcel]):
    """A parcel on its way; the label is printed after it was sent."""

    packed = State(initial=True)
    sent = State()
    arrived = State(final=True)
    lost = State()

    post = Event(packed.to(sent, cond="has_address"))
    arrive = Event(sent.to(arrived))
    lose = Event(packed.to(lost) | sent.to(lost))
    find = Event(lost.to(sent))

    failures = (lost,)

    def has_address(self, model: Parcel) -> bool:
        """It has no address."""
        if model.to == "broken":
            raise ZeroDivisionError("broken")
        return bool(model.to)

    def on_post(self, model: Parcel, track: str = "") -> None:
        model.track = track

    @effect(post)
    def label(self, model: Parcel) -> None:
        if model.to == "Nowhere":
            raise OSError("the printer is <off>")


parcels = ChartRepository("of-the-module", ParcelChart)
