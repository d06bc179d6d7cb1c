export interface RootFile {
  readonly path: string;
  readonly text: string;
}

/** The files of /etc that programs look for, with one user and no one else's names in them. */
export const rootFiles = (id: number): readonly RootFile[] => [
  {
    path: '/etc/passwd',
    text: `sandbox:x:${id}:${id}:sandbox:/tmp:/bin/sh\nnobody:x:65534:65534:nobody:/nonexistent:/bin/false\n`,
  },
  { path: '/etc/group', text: `sandbox:x:${id}:\nnogroup:x:65534:\n` },
  { path: '/etc/hosts', text: '127.0.0.1 localhost sandbox\n::1 localhost\n' },
  { path: '/etc/nsswitch.conf', text: 'passwd: files\ngroup: files\nhosts: files\n' },
];
