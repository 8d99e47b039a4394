// The calls that nextcloud-node-client makes for users, groups and apps: each must do what it says. Started by
// `cargo xtask clients`.

import assert from 'node:assert/strict';
import client from 'nextcloud-node-client';

const { Client, Server } = client;
const { CLIENT_URL: url, CLIENT_PASSWORD: password } = process.env;
const as = (username, password) => new Client(new Server({ url, basicAuth: { username, password } }));
const admin = as('admin', password);
const ids = (things) => things.map((thing) => thing.id);

let alice;
let staff;
const get = async () => (await admin.getUser('alice')) ?? assert.fail('alice is not there');

const steps = {
  async 'create a group'() {
    staff = await admin.createUserGroup('staff');
    await assert.rejects(admin.createUserGroup('staff'), client.UserGroupAlreadyExistsError);
  },
  async 'create a user'() {
    alice = await admin.createUser({ id: 'alice', password, email: 'alice@example.com' });
    assert.equal(alice.id, 'alice');
  },
  async 'create a user with an address only'() {
    assert.equal((await admin.createUser({ id: 'bob', email: 'bob@example.com' })).id, 'bob');
  },
  async 'refuse a user twice and a weak password'() {
    await assert.rejects(admin.createUser({ id: 'alice', password }), client.UserAlreadyExistsError);
    await assert.rejects(admin.createUser({ id: 'weak', password: 'abc' }), client.UserCreateError);
  },
  async 'list users'() {
    assert.deepEqual(ids(await admin.getUsers()), ['admin', 'alice', 'bob']);
    assert.deepEqual(ids(await admin.getUsers('ALI')), ['alice']);
    assert.deepEqual(ids(await admin.getUsers('', 1, 1)), ['alice']);
  },
  async 'unknown user is null'() {
    assert.equal(await admin.getUser('ghost'), null);
  },
  async 'display name'() {
    await alice.setDisplayName('Alice Liddell');
    assert.equal(await (await get()).getDisplayName(), 'Alice Liddell');
  },
  async 'quota'() {
    await alice.setQuota('5 GB');
    assert.equal((await (await get()).getQuota()).quota, 5 * 2 ** 30);
    assert.match((await (await get()).getQuotaUserFriendly()).quota, /^5/);
  },
  async 'mail address'() {
    assert.equal(await (await get()).getEmail(), 'alice@example.com');
    await alice.setEmail('liddell@example.com');
    assert.equal(await (await get()).getEmail(), 'liddell@example.com');
    await assert.rejects(alice.setEmail('no address'), client.UserUpdateError);
  },
  async 'phone'() {
    await alice.setPhone('+441865276150');
    assert.equal(await (await get()).getPhone(), '+441865276150');
  },
  async 'address'() {
    await alice.setAddress('Christ Church, Oxford');
    assert.equal(await (await get()).getAddress(), 'Christ Church, Oxford');
  },
  async 'website'() {
    await alice.setWebsite('https://example.com');
    assert.equal(await (await get()).getWebsite(), 'https://example.com');
  },
  async 'twitter'() {
    await alice.setTwitter('alice');
    assert.match(await (await get()).getTwitter(), /alice$/);
  },
  async 'language'() {
    await alice.setLanguage('de');
    assert.equal(await (await get()).getLanguage(), 'de');
  },
  async 'locale'() {
    await alice.setLocale('de_DE');
    assert.equal(await (await get()).getLocale(), 'de_DE');
  },
  async 'password'() {
    await alice.setPassword('through the looking glass');
    assert.equal((await as('alice', 'through the looking glass').getUserData('alice')).email, 'liddell@example.com');
    await assert.rejects(alice.setPassword('abc'), client.UserUpdateError);
  },
  async 'last login'() {
    assert.equal(await (await admin.getUser('bob')).getLastLogin(), null);
    assert.ok((await (await get()).getLastLogin()) instanceof Date);
  },
  async 'disable and enable'() {
    await alice.disable();
    assert.equal(await (await get()).isEnabled(), false);
    await assert.rejects(as('alice', 'through the looking glass').getUserData('alice'));
    await alice.enable();
    assert.equal(await (await get()).isEnabled(), true);
  },
  async 'add to a group and remove'() {
    await alice.addToMemberUserGroup(staff);
    assert.deepEqual(await (await get()).getMemberUserGroupIds(), ['staff']);
    assert.deepEqual(await staff.getMemberUserIds(), ['alice']);
    await alice.removeFromMemberUserGroup(staff);
    assert.deepEqual(await staff.getMemberUserIds(), []);
  },
  async 'promote and demote'() {
    await alice.promoteToUserGroupSubadmin(staff);
    assert.deepEqual(await (await get()).getSubadminUserGroupIds(), ['staff']);
    assert.deepEqual(await staff.getSubadminUserIds(), ['alice']);
    await alice.demoteFromSubadminUserGroup(staff);
    assert.deepEqual(await staff.getSubadminUserIds(), []);
  },
  async 'super administrators'() {
    await alice.promoteToSuperAdmin();
    assert.equal(await (await get()).isSuperAdmin(), true);
    await alice.demoteFromSuperAdmin();
    assert.equal(await (await get()).isSuperAdmin(), false);
  },
  async 'list groups'() {
    assert.deepEqual(await admin.getUserGroupIds(), ['admin', 'staff']);
    assert.deepEqual(await admin.getUserGroupIds('sta'), ['staff']);
    assert.equal((await admin.getUserGroup('staff')).id, 'staff');
    assert.equal(await admin.getUserGroup('nowhere'), null);
  },
  async 'welcome mail'() {
    await alice.resendWelcomeEmail();
  },
  async 'create and change many'() {
    const [made, changed] = await admin.upsertUsers([
      { id: 'carol', password, email: 'carol@example.com', enabled: true, quota: '1 GB', memberGroups: ['staff'] },
      { id: 'bob', displayName: 'Bob', language: 'en', subadminGroups: ['staff'] },
    ]);
    assert.equal(made.message, 'User carol created');
    assert.equal(changed.message, 'User bob changed');
    for (const change of [...made.changes, ...changed.changes]) assert.equal(change.error, undefined);
    assert.deepEqual(await staff.getMemberUserIds(), ['carol']);
    assert.deepEqual(await staff.getSubadminUserIds(), ['bob']);
  },
  async 'list apps'() {
    assert.ok((await admin.getApps()).apps.includes('password_policy'));
  },
  async 'tell about an app'() {
    assert.equal((await admin.getAppInfos('password_policy')).id, 'password_policy');
  },
  async 'delete a group'() {
    await staff.delete();
    assert.deepEqual(await admin.getUserGroupIds(), ['admin']);
  },
  async 'delete users'() {
    for (const id of ['alice', 'bob', 'carol']) await admin.deleteUser(id);
    assert.deepEqual(ids(await admin.getUsers()), ['admin']);
  },
  async 'another user is refused'() {
    await assert.rejects(as('admin', 'wrong password').getUserData('admin'));
  },
};

let failed = 0;
for (const [name, work] of Object.entries(steps)) {
  try {
    await work();
  } catch (error) {
    failed += 1;
    console.error(`FAILED ${name}:`, error);
  }
}
console.log(`nextcloud-node-client: ${Object.keys(steps).length - failed} passed, ${failed} failed`);
process.exit(failed ? 1 : 0);
