/** Workflow code without a single workflow: whatever runs cannot go on, and every workflow task fails and is tried again. */
export const workflows = [];
