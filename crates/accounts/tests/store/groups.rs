//! Groups, members, sub-admins; one administrator always remains.

use std::slice::from_ref;

use accounts::{AccountsError, GroupFilter, GroupId, NewUser};

use crate::test_db::{group, on_both, user};

on_both! {
    async fn groups_are_case_sensitive_and_counted(db) {
        let accounts = db.open().await;
        let groups = accounts.groups();
        groups.create(&group("NG"), None).await.unwrap();
        groups.create(&group("ng"), Some("Other".parse().unwrap())).await.unwrap();
        let again = groups.create(&group("ng"), None).await;
        assert_eq!(again, Err(AccountsError::AlreadyExists { what: "group", id: "ng".into() }));
        for id in ["anna", "bob"] {
            accounts.users().create(NewUser::new(user(id)).group(group("ng"))).await.unwrap();
        }
        accounts.users().set_enabled(&user("bob"), false).await.unwrap();
        let ng = groups.find(&group("ng")).await.unwrap().unwrap();
        assert_eq!((ng.display_name_or_id(), ng.members, ng.disabled), ("Other", 2, 1));
        let ids = groups.ids(&GroupFilter::new().search("OTHER")).await.unwrap();
        assert_eq!(ids, [group("ng")]);
        assert_eq!(groups.ids(&GroupFilter::new()).await.unwrap(), [group("NG"), GroupId::admin(), group("ng")]);
        assert_eq!(groups.list(&GroupFilter::new().limit(1).offset(2)).await.unwrap(), [ng]);
        assert_eq!(groups.count(&GroupFilter::new().search("ng").limit(1)).await.unwrap(), 2);
        groups.rename(&group("ng"), None).await.unwrap();
        assert_eq!(groups.find(&group("ng")).await.unwrap().unwrap().display_name_or_id(), "ng");
    }

    async fn members_and_subadmins_come_and_go(db) {
        let accounts = db.open().await;
        let groups = accounts.groups();
        let (red, anna) = (group("red"), user("Anna"));
        groups.create(&red, None).await.unwrap();
        accounts.users().create(NewUser::new(anna.clone())).await.unwrap();
        assert!(groups.add_member(&red, &anna).await.unwrap());
        assert!(!groups.add_member(&red, &user("anna")).await.unwrap());
        assert!(groups.add_subadmin(&red, &anna).await.unwrap());
        assert!(!groups.add_subadmin(&red, &anna).await.unwrap());
        assert_eq!(groups.of_user(&anna).await.unwrap(), from_ref(&red));
        assert_eq!(groups.subadmin_groups_of(&anna).await.unwrap(), from_ref(&red));
        assert_eq!(groups.subadmins(&red).await.unwrap(), from_ref(&anna));
        let standing = accounts.users().permissions(&anna).await.unwrap();
        assert_eq!((standing.is_admin, standing.subadmin_of), (false, vec![red.clone()]));
        assert!(groups.remove_member(&red, &anna).await.unwrap());
        assert!(!groups.remove_member(&red, &anna).await.unwrap());
        assert!(groups.remove_subadmin(&red, &anna).await.unwrap());
        let missing = groups.add_member(&group("no"), &anna).await;
        assert_eq!(missing, Err(AccountsError::NotFound { what: "group", id: "no".into() }));
        let missing = groups.add_member(&red, &user("no")).await;
        assert_eq!(missing, Err(AccountsError::NotFound { what: "user", id: "no".into() }));
        assert!(groups.add_subadmin(&GroupId::admin(), &anna).await.is_err());
        groups.add_member(&red, &anna).await.unwrap();
        groups.delete(&red).await.unwrap();
        assert!(groups.of_user(&anna).await.unwrap().is_empty());
        assert!(matches!(groups.delete(&GroupId::admin()).await, Err(AccountsError::Protected { .. })));
    }

    async fn last_enabled_administrator_stays(db) {
        let accounts = db.open().await;
        let admins = GroupId::admin();
        for id in ["one", "two"] {
            accounts.users().create(NewUser::new(user(id)).group(admins.clone())).await.unwrap();
        }
        assert!(accounts.users().permissions(&user("one")).await.unwrap().is_admin);
        accounts.users().set_enabled(&user("one"), false).await.unwrap();
        let (users, groups, two) = (accounts.users(), accounts.groups(), user("two"));
        assert_eq!(users.set_enabled(&two, false).await, Err(AccountsError::LastAdmin));
        assert_eq!(users.delete(&two).await, Err(AccountsError::LastAdmin));
        assert_eq!(groups.remove_member(&admins, &two).await, Err(AccountsError::LastAdmin));
        assert!(users.get(&two).await.unwrap().enabled);
        users.set_enabled(&user("one"), true).await.unwrap();
        users.delete(&two).await.unwrap();
        assert_eq!(users.delete(&user("one")).await, Err(AccountsError::LastAdmin));
    }
}
