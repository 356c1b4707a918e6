export const READ = 'jobs.read';
export const WRITE = 'jobs.write';

/** The scopes of every sandbox. */
export const sandboxScopes = [WRITE, READ] as const;
