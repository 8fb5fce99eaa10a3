"""What the ledger says when it cannot answer: plain sentences, without the texts of libraries, which quote values and passwords."""


class LedgerError(Exception):
    """The ledger cannot answer, so nothing is granted. Says what is wrong and what to do."""


class DigestConflictError(LedgerError):
    """A release that is known was offered again as another one: other units, recipient or kind of unit."""
