/** User and group of the commands inside; outside they are one that owns nothing but the workspace. */
export const INSIDE_ID = 1000;

/** The files of /etc that programs look for, with one user and no one else's names in them. */
export const ROOT_FILES: readonly { readonly path: string; readonly text: string }[] = [
  {
    path: '/etc/passwd',
    text: `sandbox:x:${INSIDE_ID}:${INSIDE_ID}:sandbox:/tmp:/bin/sh\nnobody:x:65534:65534:nobody:/nonexistent:/bin/false\n`,
  },
  { path: '/etc/group', text: `sandbox:x:${INSIDE_ID}:\nnogroup:x:65534:\n` },
  { path: '/etc/hosts', text: '127.0.0.1 localhost sandbox\n::1 localhost\n' },
  { path: '/etc/nsswitch.conf', text: 'passwd: files\ngroup: files\nhosts: files\n' },
];
