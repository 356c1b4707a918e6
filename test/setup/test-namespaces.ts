/**
 * Namespaces of the shared dev server. Files that run at once work in different ones, because Playbook's task queues have fixed
 * names; each namespace costs the server workers of its own, so there are few.
 */
export const TEST_NAMESPACES = ['test-1', 'test-2', 'test-3', 'test-4'] as const;
