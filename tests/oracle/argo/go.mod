// Libraries that Argo CD matches and schedules with, as oracles for recorded cases. Nothing of Belay links them.
module belay.dev/oracle/argo

go 1.25

require (
	github.com/gobwas/glob v0.2.3
	github.com/robfig/cron/v3 v3.0.1
)
