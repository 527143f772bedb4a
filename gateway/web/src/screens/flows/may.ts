/** Who may change flows and sounds: the server's name of the permission. */
export const MANAGE = "telephony:manage";
