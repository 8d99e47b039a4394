use super::*;

fn shown(answer: &Result<SmbAnswer, BackendError>) -> String {
    match answer {
        Ok(SmbAnswer::Yes) => "yes".to_owned(),
        Ok(SmbAnswer::No(rejection)) => rejection.as_str().to_owned(),
        // Only a backend knows the kind of a fault.
        Err(_) => "fault".to_owned(),
    }
}

fn kind(answer: Result<SmbAnswer, BackendError>) -> (&'static str, String) {
    let error = answer.unwrap_err();
    (error.kind(), error.detail().to_owned())
}

#[cfg(feature = "smb")]
mod pavao {
    use super::errno::*;
    use super::*;

    fn both() -> [Proof; 2] {
        [Proof::Share("data".into()), Proof::Pipe]
    }

    #[test]
    fn no_error_number_is_ever_a_yes() {
        for proof in both() {
            for number in -1..=200 {
                assert_ne!(shown(&of_errno(number, &proof)), "yes", "{number}");
            }
        }
    }

    #[test]
    fn only_a_refused_session_is_a_rejection() {
        for proof in both() {
            for number in -1..=200 {
                let expected = match number {
                    EACCES => "bad_credentials",
                    _ => "fault",
                };
                assert_eq!(shown(&of_errno(number, &proof)), expected, "{number} {proof:?}");
            }
        }
    }

    #[test]
    fn ambiguous_refusal_is_an_outage_and_a_guess() {
        let error = of_errno(EINVAL, &Proof::Pipe).unwrap_err();
        assert_eq!((error.kind(), error.counts_as_guess()), ("unavailable", true));
        for outage in [ECONNRESET, ETIMEDOUT, EHOSTUNREACH, ECONNREFUSED] {
            assert!(!of_errno(outage, &Proof::Pipe).unwrap_err().counts_as_guess(), "{outage}");
        }
    }

    #[test]
    fn missing_share_or_pipe_is_a_matter_of_settings() {
        let [share, pipe] = both();
        assert_eq!(
            kind(of_errno(ENOENT, &share)),
            ("misconfigured", "share \"data\" not found on the server".to_owned())
        );
        let (kind, text) = kind(of_errno(ENOENT, &pipe));
        assert_eq!(kind, "misconfigured");
        assert!(text.contains("name a share") && text.contains("engine = \"native\""), "{text}");
    }

    #[test]
    fn outage_is_unavailable_and_odd_answers_break_the_protocol() {
        for proof in both() {
            for number in
                [0, 4, 5, 12, 24, 32, ENETUNREACH, ECONNABORTED, ECONNRESET, ETIMEDOUT, EHOSTUNREACH]
            {
                assert_eq!(kind(of_errno(number, &proof)).0, "unavailable", "{number}");
            }
            assert_eq!(kind(of_errno(EPROTO, &proof)).0, "protocol");
            assert_eq!(kind(of_errno(ENOSYS, &proof)).0, "protocol");
            assert_eq!(kind(of_errno(EPERM, &proof)).0, "misconfigured");
        }
    }
}

#[cfg(feature = "smb-native")]
mod native {
    use smb2::types::status::NtStatus;

    use super::*;

    #[test]
    fn every_status_has_the_meaning_of_its_name() {
        for (status, expected) in [
            (NtStatus::LOGON_FAILURE, "bad_credentials"),
            (NtStatus(0xc000_006a), "bad_credentials"),
            (NtStatus(0xc000_0064), "unknown_user"),
            (NtStatus::ACCOUNT_RESTRICTION, "account_disabled"),
            (NtStatus::INVALID_LOGON_HOURS, "account_disabled"),
            (NtStatus::INVALID_WORKSTATION, "account_disabled"),
            (NtStatus::ACCOUNT_DISABLED, "account_disabled"),
            (NtStatus::ACCOUNT_EXPIRED, "account_disabled"),
            (NtStatus(0xc000_015b), "account_disabled"),
            (NtStatus::ACCOUNT_LOCKED_OUT, "account_locked"),
            (NtStatus::PASSWORD_EXPIRED, "credentials_expired"),
            (NtStatus::PASSWORD_MUST_CHANGE, "credentials_expired"),
        ] {
            assert_eq!(shown(&of_status(status.0)), expected, "{status}");
        }
    }

    #[test]
    fn no_status_is_ever_a_yes() {
        // The success of a session set-up is judged by its signature and never comes here.
        for status in
            (0..=0xffff).flat_map(|code| [code, 0x4000_0000 | code, 0x8000_0000 | code, 0xc000_0000 | code])
        {
            assert_ne!(shown(&of_status(status)), "yes", "{status:#x}");
        }
    }

    #[test]
    fn unreachable_domain_controller_is_an_outage() {
        for status in
            [0xc000_005e, 0xc000_018d, 0xc000_0192, 0xc000_0233, 0xc000_009a, 0xc000_00d0, 0xc000_0001]
        {
            assert_eq!(kind(of_status(status)).0, "unavailable", "{status:#x}");
        }
    }

    #[test]
    fn server_requiring_encryption_is_misconfigured() {
        let (kind, text) = kind(of_status(NtStatus::ACCESS_DENIED.0));
        assert_eq!(kind, "misconfigured");
        assert!(text.contains("engine = \"pavao\""), "{text}");
    }
}
