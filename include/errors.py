"""Named refusals. Every one says which file and row, what was expected and what to do."""

from __future__ import annotations


class WarehouseError(Exception):
    """Base of every refusal this project makes.

    ``what`` names what is wrong, ``remedy`` what the reader should do. ``file`` is a file's or
    table's name (never a cell's value), ``row`` the 1-based row as the sender counts it.
    No personal value may be put into any of them: they end in logs and Data Docs.
    """

    def __init__(
        self, what: str, *, remedy: str, file: str | None = None, row: int | None = None
    ) -> None:
        self.what, self.remedy, self.file, self.row = what, remedy, file, row
        place = "" if file is None else f"{file}: " if row is None else f"{file}, row {row}: "
        super().__init__(f"{place}{what} What to do: {remedy}")


class ConfigurationMissing(WarehouseError):
    """A setting that has no embedded default is absent."""


class UnprotectedAddress(WarehouseError):
    """Something would cross the network readable by others, and that is not allowed here."""


class SealingKeyMissing(WarehouseError):
    """An encrypted file cannot be opened, or none be made, for want of its key."""


class SealedFileDamaged(WarehouseError):
    """An encrypted file is not what was written."""


class DeliveryMissing(WarehouseError):
    """A source was asked for a period it has not delivered."""


class HeaderMismatch(WarehouseError):
    """A required column of the contract is not among the delivered headers."""


class UnreadableDelivery(WarehouseError):
    """Bytes that are not the table they claim to be; ``code`` is a row of seeds.ref_defect."""

    def __init__(
        self, what: str, *, code: str, remedy: str, file: str | None = None, row: int | None = None
    ) -> None:
        self.code = code
        super().__init__(what, remedy=remedy, file=file, row=row)


class BadContract(WarehouseError):
    """A contract file is not sound; ``row`` is its line."""


class SourceUnavailable(WarehouseError):
    """A source system did not answer within its retries."""


class DeliveryRejected(WarehouseError):
    """A delivery's expectation suite failed; nothing of it goes on."""


class GateBlocked(WarehouseError):
    """The candidate failed a critical expectation; the last good month stays published."""


class MonthHeld(GateBlocked):
    """The month was rolled back and is held; what was restored stays published."""


class ApprovalNeeded(GateBlocked):
    """A change of a closed month beyond its limits waits for a person; the old month stays."""


class ApprovalRefused(WarehouseError):
    """An answer to no open request, or without a reason."""


class RollbackRefused(WarehouseError):
    """A rollback to a version that is not there, or without a reason; nothing was changed."""


class BackfillRefused(WarehouseError):
    """A backfill request breaks ``rule``; nothing was started."""

    def __init__(self, what: str, *, rule: str, remedy: str) -> None:
        self.rule = rule
        super().__init__(what, remedy=remedy)


class GoAheadRefused(WarehouseError):
    """An operator's go-ahead that names no waiting month or gives no reason."""


class ServiceFailed(WarehouseError):
    """An embedded service did not start or died."""
