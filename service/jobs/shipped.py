"""Every kind of job there is: importing this names the modules that add theirs to ``KINDS``."""

from service.integration import exporting as exporting
from service.jobs import builds as builds
from service.jobs import rounds as rounds
from service.jobs.kinds import KINDS as KINDS
from service.jobs.kinds import startable as startable
from service.market import campaign_job as campaign_job
from service.personal import job as job
