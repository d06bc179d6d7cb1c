import { expect, it } from 'vitest';
import { diagnose } from './diagnosis.ts';

it.each([
  [
    'bwrap: No permissions to create new namespace, likely because the kernel does not allow it',
    /seccomp-profile\.json/,
  ],
  ['bwrap: Creating new namespace failed: Operation not permitted', /max_user_namespaces/],
  ['bwrap: setting up uid map: Permission denied', /apparmor_restrict_unprivileged_userns/],
  ["bwrap: Can't mount proc on /newroot/proc: Operation not permitted", /procMount: Unmasked/],
  ['bwrap: Unknown option --disable-userns', /0\.8 or newer/],
  ['setpriv: setresuid failed: Operation not permitted', /CAP_SETUID/],
  ['', /before it had set up/],
])('`%s` names the mend', (said, mend) => {
  expect(diagnose(`earlier line\n${said}\n`.slice(said === '' ? 100 : 0))).toMatch(mend);
});
