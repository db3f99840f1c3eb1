//! Plans of queries that read system relations alone, kept and shared by all sessions. Clients ask the same of the
//! catalogs whenever they connect or show a table, and planning that takes far longer than the answer.
//!
//! A kept plan knows no session: it is made while its [`FactsSlot`] is empty, so that what depends on who asks, where
//! and when, is found when it runs. What cannot be planned so is planned for each statement. A plan is in the hands
//! of one statement at a time. No table is read by one, and names and rights are looked at before, for each statement.

mod kept_plans;
mod lifted;
mod parameter;
mod slot;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::task::Poll;

use datafusion::arrow::datatypes::{Field, FieldRef};
use datafusion::common::ScalarValue;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_plan::execution_plan::reset_plan_states;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{ExecutionPlan, execute_stream};
use futures::{StreamExt, stream};
use sqlparser::ast;

use crate::base::datatype::PgType;
use crate::base::value::Parameter;
use crate::base::{Error, ErrorKind, Result};
use crate::bind::{BoundQuery, BoundRelation};

use super::error::from_datafusion;
use super::query::{PlannedQuery, PreparedQuery, parameter_field, parameter_fields};
use super::stream::RowStream;
use super::{Description, Engine, OutputColumn, Request};

use kept_plans::{KeptPlans, Known};
use lifted::{Lifted, lift};
use parameter::parameters_as_functions;

pub use slot::FactsSlot;

/// What a server keeps of queries over system relations.
#[derive(Debug)]
pub struct Shared {
    plans: KeptPlans<PlanKey, SharedPlan>,
    descriptions: KeptPlans<DescriptionKey, Description>,
}

impl Shared {
    /// For at most `keys_max` queries.
    pub fn new(keys_max: usize) -> Self {
        Shared { plans: KeptPlans::new(keys_max), descriptions: KeptPlans::new(keys_max) }
    }
}

/// A query over system relations, without what a session adds to it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Question {
    query: Box<ast::Query>,
    /// The schema and name of each relation by its name in the query.
    relations: BTreeMap<String, (String, String)>,
    time_zone: String,
}

/// What a plan answers.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct PlanKey {
    question: Question,
    parameters: Vec<Field>,
    formats: Vec<i16>,
}

/// What is described.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct DescriptionKey {
    question: Question,
    declared: Vec<Option<PgType>>,
}

impl Question {
    /// `None` for a query that reads more than system relations, or none.
    fn of(query: &BoundQuery, request: &Request) -> Option<Self> {
        let relations = query.relations.iter().map(|(key, bound)| match bound {
            BoundRelation::System { schema, name } => {
                Some((key.to_string(), (schema.clone(), name.clone())))
            }
            BoundRelation::Table { .. }
            | BoundRelation::View { .. }
            | BoundRelation::Files(_)
            | BoundRelation::WithItem(_) => None,
        });
        let relations = relations.collect::<Option<BTreeMap<_, _>>>()?;
        if relations.is_empty() {
            return None;
        }
        let time_zone = request.facts.settings.get("timezone");
        let time_zone = time_zone.map(|zone| zone.value.clone()).unwrap_or_default();
        Some(Question { query: query.ast.clone(), relations, time_zone })
    }
}

impl PlanKey {
    /// The key, and the constants that are parameters in it. `None` too where parameters say more than their types:
    /// a `numeric` has the digits of its value.
    fn of(query: &BoundQuery, request: &Request) -> Option<(Self, Vec<Lifted>)> {
        let parameters: Vec<_> = request.parameters.iter().map(Parameter::field).collect();
        if parameters.iter().any(|parameter| parameter.data_type().is_decimal()) {
            return None;
        }
        let mut question = Question::of(query, request)?;
        let lifted = lift(&mut question.query, parameters.len());
        Some((PlanKey { question, parameters, formats: request.formats.clone() }, lifted))
    }
}

/// A plan between two runs.
#[derive(Debug)]
pub struct SharedPlan {
    /// Before the rules that tie its operators together for a run.
    plan: Arc<dyn ExecutionPlan>,
    columns: Arc<[OutputColumn]>,
    /// The types of the constants that are parameters.
    lifted: Vec<FieldRef>,
    slot: FactsSlot,
}

/// What there is to run a query with: a plan, or what is to be planned.
enum Kept {
    Plan(SharedPlan),
    Nothing(BoundQuery),
}

impl SharedPlan {
    /// The parameters of a run. Errors: a constant is none of its type.
    fn parameters(&self, given: &[Parameter], lifted: &[Lifted]) -> Result<Arc<[ScalarValue]>> {
        let lifted = lifted.iter().zip(&self.lifted).map(|(one, field)| one.value(field));
        given.iter().map(|parameter| Ok(parameter.value.clone())).chain(lifted).collect()
    }
}

impl Engine {
    /// Starts a query with a plan that is kept, or will be; `None` where it needs one of its own.
    pub(super) async fn query_shared(
        self: &Arc<Self>,
        query: &BoundQuery,
        request: &Request,
    ) -> Result<Option<RowStream>> {
        let Some((key, lifted)) = PlanKey::of(query, request) else { return Ok(None) };
        let kept = match self.shared.plans.take(&key) {
            Known::Plan(plan) => Kept::Plan(plan),
            Known::Unshareable => return Ok(None),
            Known::Nothing => Kept::Nothing(BoundQuery {
                ast: key.question.query.clone(),
                relations: query.relations.clone(),
            }),
        };
        let (engine, request) = (Arc::clone(self), request.clone());
        let started = async move {
            let plan = match kept {
                Kept::Plan(plan) => plan,
                Kept::Nothing(query) => {
                    match engine.plan_to_share(query, &lifted, &request).await {
                        Ok(plan) => plan,
                        // It says nothing of the query that nobody waits for this one any more.
                        Err(error) if error.kind() == ErrorKind::QueryCanceled => {
                            return Err(error);
                        }
                        // Whatever is wrong with the query is told where it is planned by itself.
                        Err(_) => {
                            engine.shared.plans.refuse(&key);
                            return Ok(None);
                        }
                    }
                }
            };
            let Ok(parameters) = plan.parameters(&request.parameters, &lifted) else {
                engine.shared.plans.give(&key, plan);
                return Ok(None);
            };
            let columns = Arc::clone(&plan.columns);
            let batches = engine.run_shared(key, plan, parameters, &request)?;
            Ok(Some(RowStream::new(columns, engine.cpu.carry(batches), None)))
        };
        self.cpu.run(started).await
    }

    /// The description of a query that is kept, or will be; `None` where each session has its own.
    pub(super) async fn describe_shared(
        &self,
        query: &BoundQuery,
        declared: &[Option<PgType>],
        request: &Request,
    ) -> Option<Description> {
        let question = Question::of(query, request)?;
        let key = DescriptionKey { question, declared: declared.to_vec() };
        let description = match self.shared.descriptions.take(&key) {
            Known::Plan(description) => description,
            Known::Unshareable => return None,
            Known::Nothing => {
                match self.description_to_share(query.clone(), declared, request).await {
                    Ok(description) => description,
                    Err(_) => {
                        self.shared.descriptions.refuse(&key);
                        return None;
                    }
                }
            }
        };
        self.shared.descriptions.give(&key, description.clone());
        Some(description)
    }

    async fn description_to_share(
        &self,
        query: BoundQuery,
        declared: &[Option<PgType>],
        request: &Request,
    ) -> Result<Description> {
        let slot = FactsSlot::new(request.facts.watch().clone());
        let state = self.context.sharing(slot.clone(), &request.facts);
        let fields: Vec<_> = declared.iter().map(|t| t.map(parameter_field)).collect();
        let (plan, origins) = self.plan_in(&state, query, &fields, request).await?;
        let description = PlannedQuery::new(state, plan, origins).describe(declared)?;
        no_guess(&slot).map(|()| description)
    }

    async fn plan_to_share(
        &self,
        query: BoundQuery,
        lifted: &[Lifted],
        request: &Request,
    ) -> Result<SharedPlan> {
        let slot = FactsSlot::new(request.facts.watch().clone());
        let state = self.context.sharing(slot.clone(), &request.facts);
        let mut fields = parameter_fields(request);
        fields.extend(lifted.iter().map(|constant| constant.declared.map(parameter_field)));
        let (plan, origins) = self.plan_in(&state, query, &fields, request).await?;
        let found = plan.get_parameter_fields().map_err(from_datafusion)?;
        let lifted = (request.parameters.len()..fields.len()).map(|index| {
            let field = found.get(&format!("${}", index + 1)).cloned().flatten();
            field.filter(|field| field.data_type().is_integer() || field.data_type().is_string())
        });
        let lifted = lifted.collect::<Option<Vec<_>>>();
        let lifted = lifted.ok_or_else(|| Error::internal("a constant has no type to share"))?;
        let plan = parameters_as_functions(plan).map_err(from_datafusion)?;
        let planned = PlannedQuery::new(state, plan, origins);
        let PreparedQuery { physical, columns, .. } = planned.prepare(request).await?;
        no_guess(&slot)?;
        Ok(SharedPlan { plan: physical, columns: columns.into(), lifted, slot })
    }

    /// The rows of a plan for one statement. When the last one is given, the plan is at rest.
    fn run_shared(
        self: &Arc<Self>,
        key: PlanKey,
        plan: SharedPlan,
        parameters: Arc<[ScalarValue]>,
        request: &Request,
    ) -> Result<SendableRecordBatchStream> {
        let task = self.context.task(&request.facts);
        plan.slot.fill(request.facts.clone(), parameters);
        let batches = self.started(&plan, task).map_err(from_datafusion)?;
        let (schema, engine) = (batches.schema(), Arc::clone(self));
        let mut run = Some((key, plan));
        // A plan whose rows nobody reads to the end is not kept: parts of it may still be running.
        let rest = stream::poll_fn(move |_| {
            if let Some((key, plan)) = run.take() {
                plan.slot.clear();
                engine.shared.plans.give(&key, plan);
            }
            Poll::Ready(None)
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, batches.chain(rest))))
    }

    fn started(
        &self,
        plan: &SharedPlan,
        task: Arc<TaskContext>,
    ) -> datafusion::common::Result<SendableRecordBatchStream> {
        let mut physical = reset_plan_states(Arc::clone(&plan.plan))?;
        for rule in self.context.rules_of_runs() {
            physical = rule.optimize(physical, task.session_config().options())?;
        }
        execute_stream(physical, task)
    }
}

fn no_guess(slot: &FactsSlot) -> Result<()> {
    match slot.is_guessed() {
        true => Err(Error::internal("what depends on settings is not shared")),
        false => Ok(()),
    }
}
