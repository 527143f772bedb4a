//! The matrix: every operation of the OpenAPI document, asked for by every role, by a role of the tenant's own, and by an API key. It is
//! generated: an operation that is added is asked for too.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use trunkline::http::{Permission, Permissions};
use trunkline_db::{Role, UserId};

use crate::support::{App, User, problem};

/// An operation as the document has it.
#[derive(Debug, Clone)]
pub(crate) struct Operation {
    pub(crate) id: String,
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) permission: String,
    pub(crate) parameters: Vec<String>,
    pub(crate) has_body: bool,
}

/// All operations of the running edge's document.
pub(crate) async fn operations(app: &App) -> Vec<Operation> {
    let document: Value = app.client.get(app.url("/dev/openapi.json")).send().await.unwrap().json().await.unwrap();
    let mut operations = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, line) in item.as_object().unwrap() {
            let parameters = line["parameters"].as_array().into_iter().flatten();
            operations.push(Operation {
                id: line["operationId"].as_str().unwrap_or_else(|| panic!("{method} {path} has no name")).to_owned(),
                method: method.to_uppercase().parse().unwrap(),
                path: path.clone(),
                permission: line["x-permission"].as_str().unwrap_or_default().to_owned(),
                parameters: parameters
                    .filter(|parameter| parameter["in"] == "path")
                    .map(|parameter| parameter["name"].as_str().unwrap().to_owned())
                    .collect(),
                has_body: line["requestBody"].is_object(),
            });
        }
    }
    operations
}

/// Who asks.
struct Asker {
    name: String,
    permissions: Permissions,
    is_person: bool,
    id: UserId,
    /// `None`: a fresh sign-in for each request, since one of them signs out.
    key: Option<String>,
}

impl Asker {
    fn may(&self, operation: &Operation) -> bool {
        match operation.permission.as_str() {
            "public" | "signed-in" => true,
            "person" => self.is_person,
            name => self.permissions.has(Permission::parse(name).unwrap_or_else(|| panic!("{name} is no permission"))),
        }
    }

    async fn ask(&self, app: &App, operation: &Operation) -> reqwest::Response {
        let mut path = operation.path.clone();
        for parameter in &operation.parameters {
            // One's own, where a stranger's would be asked for with another permission; else nobody's.
            let own = operation.path.starts_with("/api/v1/agents/{id}") && parameter == "id";
            let id = if own { self.id.uuid() } else { uuid::Uuid::now_v7() };
            path = path.replace(&format!("{{{parameter}}}"), &id.to_string());
        }
        let token = self.key.clone().unwrap_or_else(|| app.token(self.id, Role::Client, 60));
        let request = app.with_token(self.id, token).request(operation.method.clone(), &path);
        request.json(&json!({})).send().await.unwrap()
    }
}

async fn everybody(app: &App) -> Vec<Asker> {
    let mut askers = Vec::new();
    for role in Role::ALL {
        let id = app.member(role).await;
        askers.push(Asker {
            name: role.to_string(),
            permissions: Permissions::of(role),
            is_person: true,
            id,
            key: None,
        });
    }
    let admin = askers[0].id;
    let mut owner = app.owner().await;

    let superadmin = app.member(Role::Client).await;
    let sql = "UPDATE users SET superadmin = true WHERE id = $1";
    sqlx::query(sql).bind(superadmin).execute(&mut owner).await.unwrap();
    askers.push(Asker {
        name: "superadmin".to_owned(),
        permissions: Permissions::of_superadmin(),
        is_person: true,
        id: superadmin,
        key: None,
    });

    let some: Permissions = [Permission::CallsRead, Permission::TeamsManage].into_iter().collect();
    let (custom, role) = (app.member(Role::Client).await, uuid::Uuid::now_v7());
    sqlx::query("INSERT INTO roles (tenant_id, id, name, permissions, reach) VALUES ($1, $2, 'Some', $3, 'member')")
        .bind(app.tenant)
        .bind(role)
        .bind(some.names())
        .execute(&mut owner)
        .await
        .unwrap();
    let sql = "UPDATE memberships SET custom_role_id = $1 WHERE user_id = $2";
    sqlx::query(sql).bind(role).bind(custom).execute(&mut owner).await.unwrap();
    askers.push(Asker { name: "a custom role".to_owned(), permissions: some, is_person: true, id: custom, key: None });
    app.read_roster().await;

    let maker = app.with_token(admin, app.token(admin, Role::Client, 60));
    let made = maker.post("/api/v1/api-keys", &json!({ "name": "one", "permissions": ["queues:read"] })).await;
    let key: Value = made.json().await.unwrap();
    askers.push(Asker {
        name: "an API key".to_owned(),
        permissions: Permissions::NONE.with(Permission::QueuesRead),
        is_person: false,
        id: admin,
        key: Some(key["token"].as_str().unwrap().to_owned()),
    });
    askers
}

#[tokio::test]
async fn every_operation_lets_in_those_whom_the_table_names_and_nobody_else() {
    let app = App::start().await;
    let askers = everybody(&app).await;
    let operations = operations(&app).await;
    assert!(operations.len() > 30);
    let (mut asked, mut wrong) = (0, Vec::new());
    for operation in &operations {
        for asker in &askers {
            let answer = asker.ask(&app, operation).await;
            let status = answer.status();
            let refused = [StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN].contains(&status);
            let public = operation.permission == "public";
            // Who has nothing to refresh and whose password is wrong is told so by 401.
            let as_it_should = match asker.may(operation) {
                true if public => status != StatusCode::FORBIDDEN,
                true => !refused,
                false => status == StatusCode::FORBIDDEN,
            };
            asked += 1;
            if !as_it_should {
                let words = answer.text().await.unwrap();
                wrong.push(format!("{} {} by {}: {status} {words}", operation.method, operation.path, asker.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {asked}:\n{}", wrong.len(), wrong.join("\n"));
}

#[tokio::test]
async fn without_a_token_nothing_but_the_public_is_open() {
    let app = App::start().await;
    for operation in operations(&app).await {
        let mut path = operation.path.clone();
        for parameter in &operation.parameters {
            path = path.replace(&format!("{{{parameter}}}"), &uuid::Uuid::now_v7().to_string());
        }
        let ask = |token: Option<&str>| {
            let request = app.client.request(operation.method.clone(), app.url(&path)).json(&json!({}));
            token.map_or(request.try_clone().unwrap(), |token| request.bearer_auth(token))
        };
        let status = ask(None).send().await.unwrap().status();
        if operation.permission == "public" {
            assert_ne!(status, StatusCode::FORBIDDEN, "{}", operation.id);
            continue;
        }
        assert_eq!(status, StatusCode::UNAUTHORIZED, "{}", operation.id);
        for token in ["nonsense", "tlk_abcdefghij_00", &format!("tlk_abcdefghij_{}", "0".repeat(64))] {
            let refused = problem(ask(Some(token)).send().await.unwrap()).await;
            assert_eq!(refused["status"], 401, "{} with {token}", operation.id);
        }
    }
}

#[tokio::test]
async fn somebody_elses_password_holds_everything_up_but_what_mends_it() {
    let app = App::start().await;
    let mut owner = app.owner().await;
    let sql = "UPDATE users SET must_change_password = true WHERE email = 'operator@demo.test'";
    sqlx::query(sql).execute(&mut owner).await.unwrap();
    let operator: User = app.operator().await;
    for operation in operations(&app).await {
        if ["public", "signed-in", "person"].contains(&operation.permission.as_str()) {
            continue;
        }
        let mut path = operation.path.clone();
        for parameter in &operation.parameters {
            path = path.replace(&format!("{{{parameter}}}"), &operator.id.to_string());
        }
        let request = operator.request(operation.method.clone(), &path).json(&json!({}));
        let refused = problem(request.send().await.unwrap()).await;
        assert_eq!(refused["code"], "password-change-required", "{}", operation.id);
    }
}
