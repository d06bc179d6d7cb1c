/**
 * What keeps bubblewrap from setting up its sandbox, and the mend. `said` is what the launcher wrote to stderr before any command
 * had begun, so nothing of a command is in it.
 */
export function diagnose(said: string): string {
  const line = said.trim().split('\n').at(-1) ?? '';
  if (/Unknown option/.test(line)) return `\`${line}\`: bubblewrap 0.8 or newer is needed`;
  if (/setpriv|prlimit/.test(line)) {
    return `\`${line}\`: setpriv and prlimit of util-linux are needed, and as root CAP_SETUID and CAP_SETGID`;
  }
  if (/proc on .*(not permitted|denied)/i.test(line)) {
    return (
      'a new /proc may not be mounted, because the container hides parts of its own: in Kubernetes set `hostUsers: false` and ' +
      '`securityContext.procMount: Unmasked`, with Docker `--security-opt systempaths=unconfined`'
    );
  }
  if (
    /namespace|uid map|gid map|pivot_root|loopback|userns|mount.*(not permitted|denied)|No permissions/i.test(
      line,
    )
  ) {
    return (
      `user namespaces are forbidden (\`${line}\`): in Kubernetes give the pod the Localhost seccomp profile ` +
      '`kubernetes/governor/seccomp-profile.json`; on the host look at the sysctls user.max_user_namespaces, ' +
      'kernel.unprivileged_userns_clone and kernel.apparmor_restrict_unprivileged_userns'
    );
  }
  return line === '' ? 'bubblewrap ended before it had set up the sandbox' : `\`${line}\``;
}
