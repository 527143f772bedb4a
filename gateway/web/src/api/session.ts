/** Whether somebody is signed in: knows at once, or asks by the refresh cookie. */
export async function signedIn(): Promise<boolean> {
  const response = await fetch("/api/v1/auth/refresh", { method: "POST" });
  return response.ok;
}
