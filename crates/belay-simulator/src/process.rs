//! One life of Belay: both families' controllers, from a start to a death.

use std::path::Path;
use std::sync::Arc;

use belay_argo::Controller as ArgoController;
use belay_cluster::{EventRecorder, Gate, Kinds, LiveState, Replica, ReplicaSettings, Share};
use belay_diff::DigestKey;
use belay_flux::Controller as FluxController;
use belay_ledger::Ledger;
use belay_localkube::KubeService;
use belay_localkube::faults::Faults;
use belay_source::{ArtifactStore, Repositories};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::estate::{ARGO_NAMESPACE, FLUX_NAMESPACE};
use crate::line::{Line, Log};
use crate::remote::{Mirrors, Remote};

/// A process that lives until it is killed.
pub(crate) struct Process {
    argo: ArgoController,
    flux: FluxController,
    dead: watch::Sender<bool>,
    work: JoinHandle<()>,
    /// As which of several it shares the work.
    sharing: Option<Sharing>,
}

/// The sharing of work with other processes.
struct Sharing {
    #[cfg_attr(not(test), expect(dead_code, reason = "the tests of replicas use it"))]
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Process {
    /// Starts the controllers. They know nothing but what the cluster, Git and the folder hold.
    pub(crate) fn start(
        service: KubeService,
        faults: &Faults,
        log: &Log,
        remote: &Remote,
        folder: &Path,
        cuts: &watch::Sender<u64>,
        replica: Option<ReplicaSettings>,
    ) -> Process {
        let dead = watch::Sender::new(false);
        let line = Line::new(faults.over(service), log.clone(), dead.subscribe(), cuts.subscribe());
        let client = kube::Client::new(line, "default");
        let settings = belay_argo::settings::LiveSettings::default();
        let tracking = settings.clone();
        let replica = replica.map(|settings| Replica::new(client.clone(), settings));
        let gate = replica.as_ref().map_or_else(Gate::always, |replica| replica.gate().clone());
        let share = replica.as_ref().map_or_else(Share::whole, |replica| replica.share().clone());
        let client = gate.guard(&client);
        let live = LiveState::new(client.clone(), Kinds::new(client.clone()), move |object| {
            let tracking = &tracking.now().tracking;
            belay_argo::belonging(object, tracking).or(belay_flux::belonging(object))
        });
        let repositories: Arc<dyn Repositories> = Arc::new(Mirrors::new(remote.clone()));
        // Digests are the same in each run of a seed.
        let ledger = Ledger::in_memory().with_key(DigestKey::new([7; 32]));
        let argo = ArgoController::new(
            live.clone(),
            repositories.clone(),
            EventRecorder::new(client.clone(), "argocd-application-controller"),
            belay_argo::Settings {
                namespace: ARGO_NAMESPACE.to_owned(),
                live: settings,
                ledger: ledger.clone(),
                share: share.clone(),
                ..belay_argo::Settings::default()
            },
        );
        let flux = FluxController::new(
            live,
            repositories,
            EventRecorder::new(client, belay_flux::FIELD_MANAGER),
            belay_flux::Settings {
                namespace: FLUX_NAMESPACE.to_owned(),
                artifacts: ArtifactStore::new(folder),
                ledger,
                share,
                ..belay_flux::Settings::default()
            },
        );
        let work = tokio::spawn(run(argo.clone(), flux.clone()));
        let sharing = replica.map(|replica| Sharing::start(replica, &argo, &flux));
        Process { argo, flux, dead, work, sharing }
    }

    /// Ends as a process does that is asked to.
    #[cfg(test)]
    pub(crate) async fn leave(self) {
        if let Some(sharing) = self.sharing {
            sharing.stop.send_replace(true);
            // However it ended, it is not there any more.
            let _ = sharing.task.await;
        }
        self.dead.send_replace(true);
        self.work.abort();
    }

    /// Nothing is done for its Lease any more, while everything else goes on.
    pub(crate) fn neglect(&self) {
        if let Some(sharing) = &self.sharing {
            sharing.task.abort();
        }
    }

    /// Tells of a push, as a webhook does.
    pub(crate) fn repository_changed(&self, url: &str) {
        self.argo.repository_changed(url);
        self.flux.repository_changed(url);
    }

    /// Waits until it gives up by itself.
    pub(crate) async fn ended(&mut self) {
        // However it ended, it is not there any more.
        let _ = (&mut self.work).await;
    }

    /// Ends it at once: nothing that it has begun reaches the world any more.
    pub(crate) fn kill(self) {
        self.dead.send_replace(true);
        self.work.abort();
        self.neglect();
    }
}

impl Sharing {
    fn start(replica: Replica, argo: &ArgoController, flux: &FluxController) -> Sharing {
        let stop = watch::Sender::new(false);
        let mut stopped = stop.subscribe();
        let (argo, flux) = (argo.clone(), flux.clone());
        let task = tokio::spawn(async move {
            let loads = || [argo.loads(), flux.loads()].concat();
            replica.run(loads, async { drop(stopped.wait_for(|stop| *stop).await) }).await;
        });
        Sharing { stop, task }
    }
}

async fn run(argo: ArgoController, flux: FluxController) {
    if let Err(error) = tokio::try_join!(argo.run(), flux.run()) {
        tracing::info!(%error, "the process gives up");
    }
}
