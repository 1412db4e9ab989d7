/** The most that `limits.commandBytes` may be: no log has a larger command, whatever the limit is now. */
export const COMMAND_BYTES_MAX = 32 * 1024 * 1024;
