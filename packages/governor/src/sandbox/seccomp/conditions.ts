/** CLONE_NEW* of time, mount, cgroup, uts, ipc, user, pid, net. */
export const NEW_NAMESPACE = 0x7e020080;

/** TIOCSTI types into the terminal, TIOCLINUX pastes into it: both write commands for whoever reads it next. */
export const FORBIDDEN_IOCTLS: readonly number[] = [0x5412, 0x541c];

/** PER_LINUX, PER_LINUX32, both with UNAME26, and the question for the present one. No ADDR_NO_RANDOMIZE, no READ_IMPLIES_EXEC. */
export const PERSONALITIES: readonly number[] = [0, 8, 0x20000, 0x20008, 0xffffffff];

/** AF_UNIX, AF_INET, AF_INET6. Not vsock, which leaves the network namespace, and none of the rarely used families. */
export const SOCKET_FAMILIES: readonly number[] = [1, 2, 10];
