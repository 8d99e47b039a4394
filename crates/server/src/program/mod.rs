//! The program `user-backend-server`: its command line, and one run from start to end.

mod cli;
mod init;
mod log;
mod systemd;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{CommandFactory, Parser};
use user_backend::ClassRegistry;
use user_backend::resolver::canary::Canary;

use crate::listener::{Listener, ShutdownHandle};
#[cfg(unix)]
use crate::reload::ReloadReport;
use crate::settings::ServerSettings;
use crate::state::AppState;
use cli::{Cli, Command};
use log::LogFormat;

/// Runs the program: command line, log, server or set-up.
///
/// `classes` are the classes of backends that a configuration may name.
pub fn run(classes: ClassRegistry) -> ExitCode {
    let taken = init::leave_environment();
    // Before anything else: this process will hold passwords.
    if let Err(error) = user_backend::process::disable_core_dumps() {
        return fail(1, format_args!("core dumps cannot be switched off: {error}"));
    }
    let cli = Cli::parse();
    if matches!(cli.command, Command::Manual) {
        let mut page = Vec::new();
        return match clap_mangen::Man::new(Cli::command()).render(&mut page) {
            Ok(()) => {
                print_line(&String::from_utf8_lossy(&page));
                ExitCode::SUCCESS
            }
            Err(error) => fail(1, format_args!("the manual page cannot be written: {error}")),
        };
    }
    if let Command::Completion { shell } = cli.command {
        let mut script = Vec::new();
        clap_complete::generate(shell, &mut Cli::command(), "user-backend-server", &mut script);
        print_line(&String::from_utf8_lossy(&script));
        return ExitCode::SUCCESS;
    }
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(1, format_args!("the system gives no event loop: {error}")),
    };
    runtime.block_on(async {
        match cli.command {
            // Answered above.
            Command::Completion { .. } | Command::Manual => ExitCode::SUCCESS,
            Command::Serve { config, log_level, log_format, log_json } => {
                let format = if log_json { LogFormat::Json } else { log_format };
                match log::start(log_level, format) {
                    Ok(()) => serve(&config, classes).await,
                    Err(error) => fail(2, format_args!("{error}")),
                }
            }
            Command::Init {
                config,
                admin,
                password_from_env,
                password_from_stdin,
                generate_password,
                if_needed,
            } => {
                let typed = init::Source::of(password_from_env, password_from_stdin, taken);
                let source = Some(typed).filter(|_| !generate_password);
                match init::run(&config, &admin, source, if_needed, classes).await {
                    Ok(Some(text)) => {
                        print_line(&text);
                        ExitCode::SUCCESS
                    }
                    Ok(None) => ExitCode::SUCCESS,
                    Err(error) => fail(error.code, format_args!("{}", error.text)),
                }
            }
        }
    })
}

async fn serve(file: &Path, classes: ClassRegistry) -> ExitCode {
    let (settings, config) = match ServerSettings::load(file, &classes) {
        Ok(read) => read,
        Err(errors) => {
            return fail(
                2,
                format_args!("{errors}\n`user-backend-server init` writes a configuration to start from"),
            );
        }
    };
    for warning in config.warnings() {
        let backend = warning.backend().map(tracing::field::display);
        let (file, line) = (warning.file(), warning.line());
        tracing::warn!(backend, setting = warning.setting(), file, line, "{}", warning.text());
    }
    if settings.allow_plaintext && settings.tls_cert.is_none() {
        tracing::warn!(
            "allow_plaintext: passwords are accepted over plain HTTP, where anyone on the network path can read them"
        );
    }
    // Before anything that counts.
    let metrics = match metrics_exporter_prometheus::PrometheusBuilder::new().install_recorder() {
        Ok(metrics) => Some(metrics),
        Err(error) => {
            tracing::warn!(%error, "metrics are unavailable");
            None
        }
    };
    if let Some(metrics) = metrics.clone() {
        tokio::spawn(crate::metrics::keep_small(metrics));
    }
    let app = match AppState::start(settings, &config).await {
        Ok(app) => app,
        Err(error) => return fail(1, format_args!("{error}")),
    };
    if let Ok(false) = init::has_administrator(&app).await {
        tracing::warn!("no administrator yet: `user-backend-server init` creates the first one");
    }
    let listening = match Listener::open(app.clone()) {
        Ok(listening) => listening.with_metrics(metrics),
        Err(error) => return fail(1, format_args!("{error}")),
    };
    match listening.address() {
        Ok(address) => tracing::info!(%address, "listening"),
        Err(error) => return fail(1, format_args!("{error}")),
    }
    if let Ok(Some(address)) = listening.monitoring_address() {
        tracing::info!(%address, "metrics and health");
    }
    // A backend that accepts strangers is not asked; the server works meanwhile.
    let resolver = app.resolver().clone();
    tokio::spawn(async move {
        for (backend, canary) in resolver.canary().await {
            if let Canary::Unknown(reason) = canary {
                tracing::warn!(%backend, reason, "backend could not be checked at the start");
            }
        }
    });
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let mail_worker = match app.mail_worker() {
        Ok(mail_worker) => mail_worker,
        Err(error) => return fail(1, format_args!("{error}")),
    };
    let mail = tokio::spawn(async move {
        if let Some(mail_worker) = mail_worker {
            mail_worker.work(async { drop(stopped.await) }).await;
        }
    });
    let housekeeping = app.clone();
    let sweeping = tokio::spawn(async move { housekeeping.sweep().await });
    let syncing = app.clone();
    let syncing = tokio::spawn(async move { syncing.run_failed_login_sync().await });
    tokio::spawn(signals(listening.shutdown_handle(), app.clone(), file.to_owned()));
    tokio::spawn(systemd::keep_alive());
    // The listener is open: connections before the next line are served.
    systemd::ready();
    let ended = listening.serve().await;
    drop(stop);
    sweeping.abort();
    syncing.abort();
    let _ = syncing.await;
    app.unregister().await;
    // A mail that is being handed over is finished.
    let _ = mail.await;
    app.accounts().close().await;
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(1, format_args!("{error}")),
    }
}

/// Stops the server, or reloads certificate and configuration, on a signal.
async fn signals(shutdown_handle: ShutdownHandle, app: AppState, file: PathBuf) {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let kinds =
            (signal(SignalKind::terminate()), signal(SignalKind::interrupt()), signal(SignalKind::hangup()));
        let (Ok(mut terminate), Ok(mut interrupt), Ok(mut hangup)) = kinds else { return };
        loop {
            tokio::select! {
                _ = terminate.recv() => break,
                _ = interrupt.recv() => break,
                _ = hangup.recv() => reload(&shutdown_handle, &app, &file).await,
            }
        }
    }
    #[cfg(not(unix))]
    let _ = tokio::signal::ctrl_c().await;
    tracing::info!("ending");
    systemd::stopping();
    shutdown_handle.stop();
}

/// Reads configuration and certificate again; what cannot be read stays as it was.
#[cfg(unix)]
async fn reload(shutdown_handle: &ShutdownHandle, app: &AppState, file: &Path) {
    systemd::reloading();
    match ServerSettings::load(file, app.classes()) {
        Ok((settings, config)) => match app.reload(settings, &config).await {
            Ok(report) => log_reload(&report),
            Err(error) => tracing::error!(%error, "settings and backends stay as they were"),
        },
        Err(errors) => tracing::error!(%errors, "settings and backends stay as they were"),
    }
    match shutdown_handle.reload_certificate() {
        Ok(true) => tracing::info!("certificate read again"),
        Ok(false) => {}
        Err(error) => tracing::error!(%error, "the certificate stays as it was"),
    }
    systemd::ready();
}

#[cfg(unix)]
fn log_reload(report: &ReloadReport) {
    let ReloadReport { changed, at_next_start, .. } = report;
    tracing::info!(?changed, "settings and backends read again");
    if !at_next_start.is_empty() {
        tracing::warn!(
            settings = ?at_next_start,
            "these were changed too, and count from the next start of the server only"
        );
    }
}

fn fail(code: u8, text: std::fmt::Arguments<'_>) -> ExitCode {
    use std::io::Write as _;
    // A reader that went away is no reason to end with a panic.
    let _ = writeln!(std::io::stderr(), "user-backend-server: {text}");
    ExitCode::from(code)
}

fn print_line(text: &str) {
    use std::io::Write as _;
    let _ = writeln!(std::io::stdout(), "{text}");
}
