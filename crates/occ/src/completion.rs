//! The scripts that complete words in a shell.
//!
//! The generated scripts know nothing of colons in the names of commands, and two shells treat a
//! colon specially: bash splits words at it, and zsh takes the part after it for a description.

use std::fmt::Write as _;

use clap::ValueEnum;
use clap_complete::Shell;

use crate::cli;
use crate::exit::Exit;
use crate::output::Output;

/// Completion for Bash, which splits `backend:login` into three words. It joins them, calls the
/// generated function, and removes the part that bash treats as complete from the results. It needs
/// no other package.
const BASH_COLONS: &str = r#"
_occ_colons() {
    local -a joined=()
    local word glue="" at=0 index
    for index in "${!COMP_WORDS[@]}"; do
        word=${COMP_WORDS[index]}
        if [[ $word == "=" && ${joined[${#joined[@]}-1]-} == --* ]]; then
            # `--output=json` comes as three words; the generated function knows it as two.
            if (( index < COMP_CWORD )); then continue; fi
            word=""
        fi
        if (( ${#joined[@]} > 1 )) && [[ $word == :* || $glue == yes ]]; then
            joined[${#joined[@]}-1]+=$word
        else
            joined+=("$word")
        fi
        if [[ $word == *: ]]; then glue=yes; else glue=""; fi
        if (( index == COMP_CWORD )); then at=$(( ${#joined[@]} - 1 )); fi
    done
    local -a COMP_WORDS=("${joined[@]}")
    local COMP_CWORD=$at
    local current=${joined[at]} previous=""
    if (( at > 0 )); then previous=${joined[at-1]}; fi
    _occ "$1" "$current" "$previous"
    if [[ $current == *:* && $COMP_WORDBREAKS == *:* ]]; then
        COMPREPLY=("${COMPREPLY[@]#"${current%"${current##*:}"}"}")
    fi
}

if [[ "${BASH_VERSINFO[0]}" -eq 4 && "${BASH_VERSINFO[1]}" -ge 4 || "${BASH_VERSINFO[0]}" -gt 4 ]]; then
    complete -F _occ_colons -o nosort -o bashdefault -o default occ
else
    complete -F _occ_colons -o bashdefault -o default occ
fi
"#;

/// The script for one shell.
pub(crate) fn run(shell: Shell) -> Output {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut cli::command(), "occ", &mut script);
    let mut script = String::from_utf8_lossy(&script).into_owned();
    match shell {
        Shell::Bash => script.push_str(BASH_COLONS),
        Shell::Zsh => {
            for command in cli::command().get_subcommands().map(clap::Command::get_name) {
                let colon = command.replace(':', "\\:");
                script = script.replace(&format!("'{command}:"), &format!("'{colon}:"));
            }
        }
        // Nor does the one for fish know which words an argument may be.
        Shell::Fish => {
            let shells: Vec<String> = Shell::value_variants().iter().map(ToString::to_string).collect();
            let which = "__fish_seen_subcommand_from completion";
            let _ = writeln!(script, "complete -c occ -n \"{which}\" -f -a \"{}\"", shells.join(" "));
        }
        _ => {}
    }
    Output { plain: script, json: None, exit: Exit::Fine }
}
