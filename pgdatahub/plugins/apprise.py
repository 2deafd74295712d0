"""Built-in notifications of a run's end, by Apprise, to the URLs of ``ETL_NOTIFY``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pgdatahub.plugins.specs import hookimpl

if TYPE_CHECKING:
    from pgdatahub.config import Config
    from pgdatahub.model.results import RunReport


@hookimpl(trylast=True)
def pgdatahub_finished(report: RunReport, config: Config) -> None:
    """Send a message about the run if the settings ask for one.

    Raises:
        PluginError: A service did not take the message.
    """
    if config.notify is None or report.dry:
        return
    # A late import: most runs send nothing.
    from pgdatahub.plugins.notify_send import send
    from pgdatahub.plugins.notify_text import compose, is_worth_telling

    if is_worth_telling(report, config.notify_on):
        title, body = compose(report)
        send(config.notify.get_secret_value(), config.secrets.mask(title), config.secrets.mask(body))
