import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { type Action, type AppSummary, act, fetchPreview, token } from "./api";
import { useKeys } from "./keyboard";
import { appId } from "./live";

/** Buttons that say what they will do before they do it. */
export function Actions({ summary }: { summary: AppSummary }) {
  const [asked, setAsked] = useState<Action | null>(null);
  const [told, setTold] = useState("");
  const sync: Action = { action: "sync", prune: false, dryRun: false };
  useKeys({ s: () => setAsked(sync), r: () => setAsked({ action: "refresh" }) });
  const suspend = !summary.suspended;
  return (
    <div className="actions">
      <button type="button" className="main" onClick={() => setAsked(sync)}>
        Sync…
      </button>
      <button type="button" onClick={() => setAsked({ action: "refresh" })}>
        Refresh…
      </button>
      <button type="button" onClick={() => setAsked({ action: "suspend", suspend })}>
        {suspend ? "Suspend…" : "Resume…"}
      </button>
      <span role="status">{told}</span>
      {asked && <Confirm summary={summary} asked={asked} change={setAsked} told={setTold} />}
    </div>
  );
}

function Confirm(props: {
  summary: AppSummary;
  asked: Action;
  change: (action: Action | null) => void;
  told: (message: string) => void;
}) {
  const { asked, change } = props;
  const { app, family } = props.summary;
  const preview = useQuery({
    queryKey: ["preview", appId(app), asked],
    queryFn: () => fetchPreview(app, asked),
    staleTime: 0,
  });
  const doing = useMutation({
    mutationFn: () => act(app, asked),
    onSuccess: (answer) => {
      props.told(answer.message);
      change(null);
    },
  });
  const word = asked.action === "suspend" ? (asked.suspend ? "Suspend" : "Resume") : asked.action === "sync" ? "Sync" : "Refresh";
  const refused = preview.data?.refused ?? "";
  return (
    <dialog ref={(dialog) => { if (dialog && !dialog.open) dialog.showModal(); }} onClose={() => change(null)}>
      <h2>
        {word} {app.name}
      </h2>
      {asked.action === "sync" && family === "argo" && (
        <p className="options">
          <label>
            <input type="checkbox" checked={asked.prune} onChange={() => change({ ...asked, prune: !asked.prune })} /> prune
            what Git no longer names
          </label>
          <label>
            <input type="checkbox" checked={asked.dryRun} onChange={() => change({ ...asked, dryRun: !asked.dryRun })} /> dry
            run
          </label>
        </p>
      )}
      {preview.isPending && <p>working out what this does…</p>}
      {preview.error && <p className="bad">{preview.error.message}</p>}
      {preview.data && (
        <>
          <p className="effect">{preview.data.effect}</p>
          <ul className="steps">
            {preview.data.steps.map((step) => (
              <li key={step}>{step}</li>
            ))}
          </ul>
        </>
      )}
      {refused && <p className="bad">Not possible now: {refused}.</p>}
      {token() === "" && (
        <p className="bad">This page has no token. Open the address that Belay printed when it started.</p>
      )}
      {doing.error && <p className="bad">{doing.error.message}</p>}
      <form method="dialog">
        <button
          type="button"
          className={preview.data?.destructive ? "danger" : "main"}
          disabled={!preview.data || refused !== "" || token() === "" || doing.isPending}
          onClick={() => doing.mutate()}
        >
          {word}
        </button>
        <button type="submit">Cancel</button>
      </form>
    </dialog>
  );
}
