package main

import (
	"bufio"
	"fmt"
	"math/rand"
	"strings"
	"time"

	"github.com/robfig/cron/v3"
)

var schedules = []string{
	"* * * * *", "0 22 * * *", "*/15 9-17 * * mon-fri", "0 0 1 1 *", "0 0 30 2 *", "0 0 29 2 *", "0 0 1,15 * 3", "0 0 * * 0",
	"0 0 ? * SAT", "5/20 * * * *", "10-40/7 1,2,3 * jan-mar *", "* * 31 4 *", "0 0 13 * 5", "0 0 */2 * 1", "59 23 31 12 *",
	"TZ=Europe/Berlin 30 2 * * *", "CRON_TZ=America/New_York 0 9 * * 1-5", "TZ=America/Sao_Paulo 0 0 * * *", "TZ=Asia/Kolkata 15 0 * * *",
	"TZ=Australia/Lord_Howe 10 2 * * *", "TZ=Asia/Kolkata 30 * * * *", "TZ=UTC */7 * * * *", "TZ=Europe/Berlin 0 */5 * * *",
	"", " ", "* * * *", "* * * * * *", "@daily", "@every 1h", "60 * * * *", "* 24 * * *", "* * 0 * *", "* * 32 * *", "* * * 0 *",
	"* * * 13 *", "* * * * 7", "5-1 * * * *", "*/0 * * * *", "1/2/3 * * * *", "1-2-3 * * * *", "a * * * *", "-1 * * * *", "*-5 * * * *",
	"1,,2 * * * *", ", * * * *", "*/x * * * *", "1-x * * * *", "* * * foo *", "TZ=Nowhere/Land * * * * *", "99999999999999999999 * * * *",
	"*/99 * * * *", "+5 * * * *", "* * * JAN,feb *", "1.5 * * * *", "5/ * * * *", "0x1 * * * *", "* * L * *", "\t0  1\t* * *",
}

func crons(out *bufio.Writer, random *rand.Rand) {
	parser := cron.NewParser(cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow)
	for _, text := range schedules {
		schedule, err := parser.Parse(text)
		if err != nil {
			fmt.Fprintf(out, "%q\t\t%s\n", text, err)
			continue
		}
		starts := []time.Time{
			time.Date(2026, 3, 29, 0, 59, 59, 5, time.UTC), time.Date(2026, 10, 25, 0, 30, 0, 0, time.UTC),
			time.Date(2026, 12, 31, 23, 59, 59, 999999999, time.UTC), time.Date(2028, 2, 28, 12, 0, 0, 0, time.UTC),
			time.Date(2018, 11, 3, 12, 0, 0, 0, time.UTC), time.Date(2026, 3, 29, 1, 0, 0, 0, time.UTC),
		}
		for range 6 {
			starts = append(starts, time.Unix(1_760_000_000+random.Int63n(100_000_000), random.Int63n(1_000_000_000)).UTC())
		}
		for _, start := range starts {
			next := schedule.Next(start)
			answer := "never"
			if !next.IsZero() {
				answer = next.Format(time.RFC3339)
			}
			fmt.Fprintf(out, "%q\t%s\t%s\n", text, start.Format(time.RFC3339Nano), answer)
		}
	}
}

func durations(out *bufio.Writer) {
	for _, text := range strings.Split("1h|90m|1h30m|1.5h|-1h|+2m|0|1|h|1x|.5s|1h1x|1m 2s|1d|9999999999999h|5ns|3us|3µs|1.s|.s|-|-.5m", "|") {
		duration, err := time.ParseDuration(text)
		if err != nil {
			fmt.Fprintf(out, "%s\t%s\n", text, err)
		} else {
			fmt.Fprintf(out, "%s\t%d\n", text, int64(duration))
		}
	}
}
